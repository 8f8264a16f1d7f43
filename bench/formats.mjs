// The section `formats`: the same memory read in every format, beside raw, and beside the format's decompressor alone.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { readTable } from "./counts.mjs";
import { DEFAULT_DIR } from "./generate.mjs";
import { ratio } from "./measure.mjs";
import { members, pagekin } from "./pagekin.mjs";
import { FORMS, writeForm } from "./write-forms.mjs";

const HERE = import.meta.dirname;
const FORMS_DIR = path.join(DEFAULT_DIR, "forms");
const ONE_WORKER = ["--workers", "1"];
const FOUR = [...ONE_WORKER, "--page-size", "4k"];
/** Formats that hold pages as they are; of these all dumps are read, of the others one. */
const STORED = ["elf", "lime", "qemu-migration"];
const STORED_LIMIT = 1.5;
const COMPRESSED_LIMIT = 1.3;
/** Formats without a bar of their own. */
const REPORTED = ["qemu-migration"];
const SLOW = ["xz", "bzip2"];
const SLOW_RUNS = 3;

/** pagekin's own decoders as a module, so that they can be run alone. */
function bundleDecoders(scratch) {
  const outfile = path.join(scratch, "decoders.mjs");
  const from = (name) => `export * from ${JSON.stringify(path.join(HERE, "../src/sources", `${name}.ts`))};`;
  const contents = ["lzo", "lz4", "lzop", "bzip2", "xz", "snappy"].map(from).join("\n");
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  const shape = { bundle: true, platform: "node", format: "esm", target: "node20", banner, logLevel: "error" };
  buildSync({ stdin: { contents, resolveDir: HERE }, outfile, ...shape });
  return outfile;
}

/** Dumps in a form; those that were made before are reused, unless they are of dumps that the command line names. */
function inForm(form, files, context, tools) {
  const folder = context.dumps.length > 0 ? path.join(context.scratch, "forms") : FORMS_DIR;
  fs.mkdirSync(folder, { recursive: true });
  return files.map((raw, i) => {
    const file = path.join(folder, `${i}-${path.basename(raw)}.${form}`);
    if (!fs.existsSync(file)) {
      context.log(`making ${file}`);
      writeForm(form, raw, file, { scratch: context.scratch, ...tools });
    }
    return file;
  });
}

/** @param {import('./sections.mjs').Context} context */
export async function formats(context) {
  const decoders = bundleDecoders(context.scratch);
  const tools = await import(pathToFileURL(decoders).href);
  const { files } = context;
  const analyze = (name, sources, ...options) =>
    pagekin(context, "analyze", name, members(sources), "--ranges", "all", ...options);
  const raw = analyze("raw", files, ...FOUR);
  const rawFive = analyze("raw, five sizes", files, ...ONE_WORKER);
  const rawOne = analyze("raw, one dump", files.slice(0, 1), ...FOUR);
  const programs = [raw, rawFive, rawOne];
  const pairs = [];
  const skipped = [];
  for (const form of FORMS) {
    context.signal.throwIfAborted();
    try {
      if (STORED.includes(form)) {
        const made = inForm(form, files, context, tools);
        const four = analyze(form, made, ...FOUR);
        const five = analyze(`${form}, five sizes`, made, ...ONE_WORKER);
        pairs.push({ form, own: four, than: raw, to: raw }, { form, own: five, than: rawFive, to: rawFive });
        programs.push(four, five);
      } else {
        const [file] = inForm(form, files.slice(0, 1), context, tools);
        const times = SLOW.includes(form) ? SLOW_RUNS : undefined;
        const own = { ...analyze(form, [file], ...FOUR), times };
        const command = [process.execPath, path.join(HERE, "unpack.mjs"), form, file, decoders];
        const alone = { name: `${form}, decompressor alone`, command, times };
        pairs.push({ form, own, than: alone, to: rawOne });
        programs.push(own, alone);
      }
    } catch (error) {
      skipped.push(`${form}: skipped, ${error.message}`);
    }
  }
  return {
    programs,
    skipped,
    reference: rawOne.name,
    bars: (results) => {
      const limits = pairs.filter(({ form }) => !REPORTED.includes(form));
      const bars = limits.map(({ form, own, than }) => ({
        name: `${own.name} against ${than.name}, CPU`,
        got: ratio(results.get(own.name), results.get(than.name)),
        limit: STORED.includes(form) ? STORED_LIMIT : COMPRESSED_LIMIT,
      }));
      const different = pairs.filter(({ own, to }) => tableOf(own) !== tableOf(to)).map(({ own }) => own.name);
      const note = different.join("; ");
      return [...bars, { name: "formats that give other counts than raw", got: different.length, limit: 0, note }];
    },
  };
}

const tableOf = ({ out }) => JSON.stringify(readTable(path.join(out, "self.csv")));
