// The package as a user has it: packed, installed in an empty strict project, type-checked, and run on each line of Node.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { VERSION } from "pagekin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodesByLine } from "../support/nodes.js";
import { because } from "../support/tools.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");
const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
/** XXH3-128 of 4096 zero bytes, as xxhsum -H2 prints it. */
const ZERO_PAGE = "3ee8dc4f9e7ee49593d76fe148c689ba";
const EXAMPLES = "node_modules/pagekin/traces";

/** Every function of the library, with types that the compiler has to find. */
const SCRIPT = `
import { strict as assert } from "./assert.js";
import {
  advise, analyze, comparePolicies, EXIT, fingerprintPages, groupBy, interSharing, PagekinError, pairRate, parsePolicies,
  readSpectra, replay, score, selfSharing, spectra, startOfAdvisor, VERSION, viewOf,
  type AnalyzeOptions, type Comparison, type Policy, type ReplayedRun, type Spectrum, type WorldResult,
} from "pagekin";

const sources: string[] = ["${EXAMPLES}/c1.parquet", "${EXAMPLES}/c2.parquet"];
const controller = new AbortController();
const options: AnalyzeOptions = { pageSizes: [4096], ranges: "ram", workers: 1, signal: controller.signal };
const worlds: WorldResult[] = await analyze(sources, options);
const [{ world, found, sharing }] = worlds;
const names: string[] = world.snapshots.map(({ member, source }) => member + " " + source.format);
const rates: number[] = [interSharing(sharing[0]).interRate, selfSharing(sharing[0], 0).selfRate, pairRate(sharing[0], sharing[0].pairs[0])];
const bytes: number | undefined = found[0].ledger.nonzero_bytes;
const [spectrum]: Spectrum[] = await spectra(sources, { pageSizes: [4096], onProgress: (done: number, all) => void [done, all?.toFixed()] });
const own: Policy = { text: "by-first-letter", kind: "grouping", group: ({ members }) => groupBy(members.map(({ member }) => member[0])) };
const comparisons: Comparison[] = await comparePolicies(spectrum, { policies: [own, ...(await parsePolicies(["per-member"]))] });
const saved: number[] = comparisons[0].results.map((result) => result.score.saved);
const view = viewOf(spectrum, "counted");
assert(score(view, groupBy(["x", "x"]), new Uint32Array(2)).saved === saved[0]);
const saving: Spectrum[] = await readSpectra("pagekin-out/spectrum.parquet");
assert(saving[0].pages[0] === sharing[0].pages[0]);
const runs: ReplayedRun[] = await replay("scenario.yaml");
const shared: number | undefined = runs[0].samples.at(-1)?.groups[0].pagesSharing;
const zero: string | undefined = fingerprintPages(new Uint8Array(4096), [4096]).get(4096)?.[0].fingerprint;
const settings = { advisor_max_cpu: 70, advisor_min_pages_to_scan: 500, advisor_max_pages_to_scan: 30000, advisor_target_scan_time: 200 };
assert(advise(startOfAdvisor(settings), 1, 1, settings).pagesToScan > 0);
let line = "";
try {
  await analyze(["none.raw"]);
} catch (error) {
  if (error instanceof PagekinError && error.exitCode === EXIT.input) line = error.line;
}
assert(line.startsWith("none.raw: "));
// @ts-expect-error: there is no such option
await analyze(sources, { pageSize: [4096] }).catch(() => {});
declare const console: { log(text: string): void };
console.log(JSON.stringify({ VERSION, names, rates, bytes: typeof bytes, saved, shared: typeof shared, zero }));
`;

/** Without anything of Node's, so that the project needs no types of it. */
const ASSERT = `
export function strict(holds: boolean): asserts holds {
  if (!holds) throw new Error("this does not hold");
}
`;

const COMPILER = {
  target: "ES2023",
  module: "NodeNext",
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: false,
  outDir: "built",
};

describe("the packed package", () => {
  let folder: string;
  const inProject = async (program: string, ...args: string[]) => {
    const env = { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: process.env.TMPDIR ?? "/tmp" };
    return run(program, args, { cwd: folder, env });
  };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "pagekin-package-"));
    const env = { ...process.env, npm_config_cache: path.join(folder, "npm-cache") };
    await run("npm", ["pack", "--pack-destination", folder], { cwd: ROOT, env });
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const tarball = `./pagekin-${VERSION}.tgz`;
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: folder, env });
    writeFileSync(path.join(folder, "script.ts"), SCRIPT);
    writeFileSync(path.join(folder, "assert.ts"), ASSERT);
    writeFileSync(path.join(folder, "scenario.yaml"), `inventory: ${EXAMPLES}/busybox.csv\nuntil: 1 pass\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = async (node: string, name: string, options: object) => {
    const config = { compilerOptions: { ...COMPILER, ...options }, files: ["script.ts"] };
    writeFileSync(path.join(folder, name), JSON.stringify(config));
    // An error is on stdout.
    const { stdout } = await inProject(node, TSC, "-p", name).catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  };

  test("has what it needs, and nothing else: no dependencies, no types that only its own sources need", () => {
    expect(readdirSync(path.join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["pagekin"]);
    const files = readdirSync(path.join(folder, "node_modules/pagekin"));
    const promised = [
      "CHANGELOG.md",
      "CITATION.cff",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "dist",
      "docs",
      "package.json",
      "traces",
    ];
    expect(files.sort()).toEqual(promised.sort());
  });

  for (const { line, program } of nodesByLine()) {
    const why = because(program !== undefined, `there is no Node ${line}; PAGEKIN_NODES may list programs`);
    describe.skipIf(program === undefined)(`on Node ${line}${why}`, () => {
      const node = program ?? "";

      test("the types compile with the DOM's, or with Node's alone", async () => {
        await check(node, "dom.json", { types: [] });
        await check(node, "node.json", {
          lib: ["ES2023"],
          types: ["node"],
          typeRoots: [path.join(ROOT, "node_modules/@types")],
        });
      });

      test("the command line and a script run, and say nothing on stderr", async () => {
        const main = path.join("node_modules", ".bin", "pagekin");
        const version = await inProject(node, main, "--version");
        expect(version).toEqual({ stdout: `${VERSION}\n`, stderr: "" });
        const args = ["analyze", "--inventory", `${EXAMPLES}/busybox.csv`, "--page-size", "4k", "--out", "pagekin-out"];
        const analyzed = await inProject(node, main, ...args, "--workers", "1", "--json");
        expect(analyzed.stderr).toBe("");
        const threads = await inProject(node, main, ...args, "--workers", "2", "--json");
        expect(threads.stderr).toBe("");
        await check(node, "dom.json", { types: [] });
        const { stdout, stderr } = await inProject(node, "built/script.js");
        expect(stderr).toBe("");
        const told = JSON.parse(stdout);
        expect(told).toMatchObject({ VERSION, names: ["c1 parquet", "c2 parquet"], zero: ZERO_PAGE, shared: "number" });
        expect(told.saved[0]).toBeGreaterThan(told.saved[1]);
      });

      test("package.json can be imported", async () => {
        const script = 'import about from "pagekin/package.json" with { type: "json" }; console.log(about.version);';
        const { stdout } = await inProject(node, "--no-warnings", "--input-type=module", "--eval", script);
        expect(stdout).toBe(`${VERSION}\n`);
      });
    });
  }
});
