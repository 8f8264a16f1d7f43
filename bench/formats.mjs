// The section `formats`: the same memory read in every format, beside raw, and beside the format's decompressor alone.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "rolldown";
import { readTable } from "./counts.mjs";
import { DEFAULT_DIR } from "./generate.mjs";
import { writeGuestLike } from "./guest-like.mjs";
import { ratio } from "./measure.mjs";
import { members, pagekin } from "./pagekin.mjs";
import { FORMS, writeForm } from "./write-forms.mjs";

const HERE = import.meta.dirname;
const FORMS_DIR = path.join(DEFAULT_DIR, "forms");
const ONE_WORKER = ["--workers", "1"];
const FOUR = ["--page-size", "4k"];
/** Formats that hold pages as they are; of these raw is the yardstick, of the others their decompressor alone. */
const STORED = ["elf", "lime", "qemu-migration"];
const STORED_LIMIT = 1.5;
const COMPRESSED_LIMIT = 1.3;
/** Formats without a bar of their own. */
const REPORTED = ["qemu-migration"];
/** Of these, one dump is read, and less often. */
const SLOW = ["xz", "bzip2"];
const SLOW_RUNS = 3;

/** pagekin's own decoders as a module, so that they can be run alone. */
async function bundleDecoders(scratch) {
  const outfile = path.join(scratch, "decoders.mjs");
  const entry = path.join(scratch, "decoders-entry.mjs");
  const from = (name) => `export * from ${JSON.stringify(path.join(HERE, "../src/unpack", `${name}.ts`))};\n`;
  fs.writeFileSync(entry, ["lzo", "lz4", "lzop", "bzip2", "xz", "snappy"].map(from).join(""));
  await build({
    input: entry,
    platform: "node",
    transform: { target: "node20.19" },
    output: { file: outfile, codeSplitting: false },
  });
  return outfile;
}

/** Files made of dumps; those that were made before are reused, unless they are of dumps that the command line names. */
function made(ending, files, context, write) {
  const areNamed = context.dumps.length > 0;
  const folder = areNamed ? path.join(context.scratch, "forms") : FORMS_DIR;
  fs.mkdirSync(folder, { recursive: true });
  return files.map((from, i) => {
    const name = path.basename(from).replace(/\.raw$/, "");
    // dumps of several folders may have one name
    const file = path.join(folder, `${areNamed ? `${i}-` : ""}${name}.${ending}`);
    if (!fs.existsSync(file)) {
      context.progress(`making ${file}`);
      write(from, file);
    }
    return file;
  });
}

/** @param {import('./sections.mjs').Context} context */
export async function formats(context) {
  const decoders = await bundleDecoders(context.scratch);
  const { maskedCrc32c } = await import(pathToFileURL(decoders).href);
  const { files, dumps, scratch } = context;
  const packable = dumps.length > 0 ? files : made("guest.raw", files, context, writeGuestLike);
  const analyze = (name, sources, ...options) =>
    pagekin(context, "analyze", name, members(sources), "--ranges", "all", ...ONE_WORKER, ...options);
  const raw = analyze("raw", files, ...FOUR);
  const rawFive = analyze("raw, five sizes", files);
  const rawPackable = analyze("raw, that packs like a guest", packable, ...FOUR);
  const rawOne = analyze("raw, one of these", packable.slice(0, 1), ...FOUR);
  const programs = [raw, rawFive, rawPackable, rawOne];
  const pairs = [];
  const skipped = [];
  for (const form of FORMS) {
    context.signal.throwIfAborted();
    const inForm = (dumps) =>
      made(form, dumps, context, (from, file) => writeForm(form, from, file, { scratch, maskedCrc32c }));
    try {
      if (STORED.includes(form)) {
        const sources = inForm(files);
        const four = analyze(form, sources, ...FOUR);
        const five = analyze(`${form}, five sizes`, sources);
        pairs.push({ form, own: four, than: raw, to: raw }, { form, own: five, than: rawFive, to: rawFive });
      } else {
        const isSlow = SLOW.includes(form);
        const sources = inForm(isSlow ? packable.slice(0, 1) : packable);
        const times = isSlow ? SLOW_RUNS : undefined;
        const own = { ...analyze(form, sources, ...FOUR), times };
        const script = path.join(HERE, "unpack.mjs");
        const command = [process.execPath, script, form, decoders, ...sources];
        pairs.push({
          form,
          own,
          than: { name: `${form}, decompressor alone`, command, times },
          to: isSlow ? rawOne : rawPackable,
        });
      }
    } catch (error) {
      skipped.push(`${form}: skipped, ${error.message}`);
    }
  }
  for (const { own, than } of pairs) programs.push(...(programs.includes(than) ? [own] : [than, own]));
  return {
    programs,
    skipped,
    reference: raw.name,
    bars: (results) => {
      const limited = pairs.filter(({ form }) => !REPORTED.includes(form));
      const bars = limited.map(({ form, own, than }) => ({
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
