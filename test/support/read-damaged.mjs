// Reads damaged forms of a Parquet file, one after the other, and scores spectra and replays traces that can be read. It is a
// program of its own so that it can be stopped where it does not end. Arguments: `spectrum` or `trace`, the file, a file to
// write the forms to, and `cut` (at each place), `bits` (one of each byte) or `bytes` (all bits of each). Stdout: how many forms
// there were, how many could be read, and what was wrong.

import { readFileSync, writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { analyze, comparePolicies, PagekinError, parsePolicies, readSpectra, replay } from "pagekin";

const [kind, file, damagedFile, how] = process.argv.slice(2);
const MAGIC_BYTES = 4;

const limits = { together: [], apart: [], maxGroup: Number.POSITIVE_INFINITY };
const context = { labelNames: ["tenant"], tenantLabel: "tenant", limits, readRows: () => [] };
const texts = ["one-group", "per-member", "zero-only", "by:tenant", "esx-salting:2", "similar:1", "best:1"];
const settings = {
  policies: await parsePolicies(texts, context),
  entitlement: "proportional",
  tenantLabel: "tenant",
  kernel: { maxPageSharing: 2, useZeroPages: false },
  add: ["a"],
};

/** Damaged forms, each with what was done. Without the first bytes the file would be another kind of source. */
function* formsOf(bytes) {
  for (let place = MAGIC_BYTES; place < bytes.length; place++) {
    if (how === "cut") {
      yield [`cut at ${place}`, bytes.subarray(0, place)];
      continue;
    }
    const changed = Buffer.from(bytes);
    changed[place] ^= how === "bits" ? 1 << (place % 8) : 0xff;
    yield [`byte ${place} as ${changed[place]}`, changed];
  }
}

const scenario = `${damagedFile}.yaml`;
if (kind === "trace") {
  writeFileSync(scenario, `sources: [${JSON.stringify(damagedFile)}]\npage_size: 4k\nuntil: 1 passes\n`);
}

const READERS = {
  async spectrum() {
    const spectra = await readSpectra(damagedFile);
    result.read++;
    for (const spectrum of spectra) await comparePolicies(spectrum, settings);
  },
  /** A replay wants the numbers of pages besides. */
  async trace() {
    await analyze([damagedFile], { pageSizes: [4096] });
    await replay(scenario);
    result.read++;
  },
};

const result = { forms: 0, read: 0, wrong: [] };
let form = "";
const note = (error) => result.wrong.push(`${form}: ${error.stack.split("\n").slice(0, 2).join(" ")}`);
process.on("unhandledRejection", note);

for (const [what, bytes] of formsOf(readFileSync(file))) {
  form = what;
  writeFileSync(damagedFile, bytes);
  try {
    await READERS[kind]();
  } catch (error) {
    const isGood = error instanceof PagekinError && error.exitCode === 2 && !error.line.includes("\n");
    if (!isGood) note(error);
  }
  // A rejection that nobody handles comes to light in the next turn.
  await setImmediate();
  result.forms++;
}
console.log(JSON.stringify(result));
