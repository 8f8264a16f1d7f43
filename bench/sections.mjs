// What is measured: each section is one interleaved series with a table and bars.

import fs from "node:fs";
import path from "node:path";
import { countsBar, readTable } from "./counts.mjs";
import { bytesOf, cut } from "./cut.mjs";
import { formats } from "./formats.mjs";
import { generate } from "./generate.mjs";
import { growth } from "./growth.mjs";
import { findProgram, parallelCatRatio } from "./machine.mjs";
import { median, medianOf, peakOf, ratio } from "./measure.mjs";
import { members, pagekin } from "./pagekin.mjs";
import { peerPrograms } from "./peers.mjs";
import { generateGuests, writeUnique } from "./worlds.mjs";

const MIB = 1 << 20;
const GIB = 1 << 30;

/**
 * @typedef {object} Context
 * @property {string} bin pagekin's main.js
 * @property {string[]} files
 * @property {string[]} dumps those of them that the command line names
 * @property {string} scratch
 * @property {number} runs
 * @property {AbortSignal} signal aborted by an interrupt
 * @property {(line: string) => void} log
 *
 * @typedef {{name: string, got: number, limit: number, note?: string}} Bar
 * @typedef {Map<string, import('./measure.mjs').Result>} Results
 *
 * @typedef {object} Plan
 * @property {import('./measure.mjs').Program[]} programs
 * @property {string} reference the program that the table's ratios are against
 * @property {string[]} [skipped]
 * @property {number} [rounds]
 * @property {(results: Results) => Bar[] | Promise<Bar[]>} bars
 */

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const NODE = { name: "node -e 0", command: [process.execPath, "-e", "0"] };

/** The dumps over and over, under new names, until they make at least that many bytes. */
function repeated(files, bytes) {
  const all = [];
  while (bytesOf(all) < bytes) all.push(...files);
  return all;
}

async function coresNote(files) {
  const parallel = await parallelCatRatio(files);
  const free = parallel <= 0.6 ? "cores free" : "CORES NOT FREE: no proof";
  return `${free}: two parallel cat take ${parallel.toFixed(2)} of one`;
}

/** @param {Context} context @returns {Plan} */
function speed(context) {
  const sources = members(context.files);
  const cat = { name: "cat", command: ["cat", ...context.files] };
  const five = pagekin(context, "analyze", "pagekin, five sizes, 1 worker", sources, "--workers", "1");
  const four = pagekin(context, "analyze", "pagekin, 4 KiB, 1 worker", sources, "--workers", "1", "--page-size", "4k");
  const standard = pagekin(context, "analyze", "pagekin, five sizes", sources);
  const two = pagekin(context, "analyze", "pagekin, five sizes, 2 workers", sources, "--workers", "2");
  return {
    programs: [cat, NODE, five, four, standard, two],
    reference: cat.name,
    bars: async (results) => {
      const get = ({ name }) => results.get(name);
      const peak = Math.max(...[five, four, standard, two].map((program) => peakOf(get(program))));
      return [
        {
          name: "five sizes, 1 worker, CPU less node -e 0, against cat",
          got: ratio(get(five), get(cat), "cpu", get(NODE)),
          limit: 3.5,
        },
        {
          name: "4 KiB, 1 worker, CPU less node -e 0, against cat",
          got: ratio(get(four), get(cat), "cpu", get(NODE)),
          limit: 2.6,
        },
        {
          name: "five sizes, default workers, wall, against cat",
          got: ratio(get(standard), get(cat), "wall"),
          limit: 4,
          note: await coresNote(context.files),
        },
        { name: "peak memory, MiB", got: peak, limit: 120 + (40 * bytesOf(context.files)) / GIB },
      ];
    },
  };
}

/** @param {Context} context @returns {Plan} */
function workers(context) {
  const files = repeated(context.files, 2 * GIB);
  const size = `${(bytesOf(files) / GIB).toFixed(1)} GiB`;
  const one = pagekin(context, "analyze", `${size}, 1 worker`, members(files), "--workers", "1");
  const two = pagekin(context, "analyze", `${size}, 2 workers`, members(files), "--workers", "2");
  return {
    programs: [one, two],
    reference: one.name,
    bars: async (results) => {
      const [a, b] = [results.get(two.name), results.get(one.name)];
      return [
        {
          name: `two workers against one, ${size}, wall`,
          got: ratio(a, b, "wall"),
          limit: 0.75,
          note: await coresNote(context.files),
        },
        { name: `two workers against one, ${size}, CPU`, got: ratio(a, b), limit: 1.25 },
      ];
    },
  };
}

/** @param {Context} context @returns {Plan} */
function peers(context) {
  const cat = { name: "cat", command: ["cat", ...context.files] };
  const five = pagekin(context, "analyze", "pagekin, five sizes, 1 worker", members(context.files), "--workers", "1");
  const others = peerPrograms(context.files, context.scratch);
  const limits = { "native, five sizes": 0.55, "Python blake2b, 4 KiB": 1 / 3, "duperemove, partial": 1 / 15 };
  return {
    programs: [cat, five, ...others.programs],
    skipped: others.skipped,
    reference: cat.name,
    bars: (results) => {
      const found = Object.entries(limits).filter(([name]) => results.has(name));
      const bars = found.map(([name, limit]) => ({
        name: `five sizes, 1 worker, CPU, against ${name}`,
        got: ratio(results.get(five.name), results.get(name)),
        limit,
      }));
      const counters = ["native, five sizes", "Python blake2b, 4 KiB"].filter((name) => results.has(name));
      return [...bars, ...counters.map((name) => countsBar(five.out, name, results.get(name).output))];
    },
  };
}

/** @param {Context} context @returns {Plan} */
function fingerprint(context) {
  const source = members(context.files.slice(0, 1));
  const write = pagekin(context, "fingerprint", "fingerprint, one dump", source);
  const dump = pagekin(context, "analyze", "analyze, the same dump", source, "--workers", "1");
  // the first one's run of warming up writes the trace that is read here
  const trace = pagekin(context, "analyze", "analyze, its trace", [path.join(write.out, "m0.parquet")]);
  return {
    programs: [write, dump, trace],
    reference: dump.name,
    bars: (results) => {
      const rows = sum(readTable(path.join(trace.out, "self.csv")).map((row) => Number(row.pages)));
      return [
        {
          name: "fingerprint against analyze, five sizes, CPU",
          got: ratio(results.get(write.name), results.get(dump.name)),
          limit: 12,
        },
        {
          name: "analyze from a trace, CPU seconds per million rows",
          got: medianOf(results.get(trace.name), "cpu") / (rows / 1e6),
          limit: 0.5,
        },
      ];
    },
  };
}

/** @param {Context} context @returns {Plan} */
function manyMembers(context) {
  const quarter = Math.min(250, Math.floor(bytesOf(context.files) / MIB / 4));
  if (quarter === 0) throw new Error("the dumps are too small: 4 MiB at least");
  context.log(`cutting ${8 * quarter} MiB of members into ${context.scratch}`);
  const few = cut(context.files, path.join(context.scratch, "few"), 4, quarter * MIB);
  const many = cut(context.files, path.join(context.scratch, "many"), 4 * quarter, MIB);
  const a = pagekin(context, "analyze", `4 members of ${quarter} MiB`, few, "--workers", "1");
  const b = pagekin(context, "analyze", `${many.length} members of 1 MiB`, many, "--workers", "1");
  return {
    programs: [a, b],
    reference: a.name,
    bars: (results) => [
      { name: `${b.name} against ${a.name}, CPU`, got: ratio(results.get(b.name), results.get(a.name)), limit: 1.5 },
    ],
  };
}

/** @param {Context} context @returns {Plan} */
function policies(context) {
  const sources = members(context.files);
  const four = ["--workers", "1", "--page-size", "4k"];
  const analyze = pagekin(context, "analyze", "analyze, 4 KiB", sources, ...four);
  const compare = pagekin(
    context,
    "compare",
    "compare --policy one-group, 4 KiB",
    sources,
    ...four,
    "--policy=one-group",
  );
  const count = 64;
  const each = Math.floor(bytesOf(context.files) / MIB / count) * MIB;
  if (each === 0) throw new Error(`the dumps are too small: ${count} MiB at least`);
  const parts = cut(context.files, path.join(context.scratch, "sixty-four"), count, each);
  // its run of warming up writes the spectrum that is scored
  const save = pagekin(context, "analyze", `${count} members`, parts, "--page-size", "4k");
  const script = path.join(import.meta.dirname, "score.mjs");
  const file = path.join(save.out, "spectrum.parquet");
  const score = { name: "1,000 groupings", command: [process.execPath, script, file], keepOutput: true };
  return {
    programs: [analyze, compare, save, score],
    reference: analyze.name,
    bars: (results) => [
      {
        name: `${compare.name} against analyze, CPU`,
        got: ratio(results.get(compare.name), results.get(analyze.name)),
        limit: 1.3,
      },
      {
        name: `1,000 groupings of ${count} members scored, seconds`,
        got: Number(results.get(score.name).output),
        limit: 1,
      },
    ],
  };
}

/** @param {Context} context @returns {Plan} */
function start(context) {
  const [small] = cut(context.files, path.join(context.scratch, "small"), 1, MIB);
  const help = { name: "pagekin --help", command: [process.execPath, context.bin, "--help"] };
  const dump = pagekin(context, "analyze", "pagekin, 1 MiB dump", [small]);
  return {
    programs: [NODE, help, dump],
    reference: NODE.name,
    rounds: 2 * context.runs + 1, // short runs scatter more
    bars: (results) =>
      [help, dump].map(({ name }) => ({
        name: `${name} against node -e 0, CPU`,
        got: ratio(results.get(name), results.get(NODE.name)),
        limit: 2.4,
      })),
  };
}

/** @param {Context} context @returns {Promise<Plan>} */
async function spill(context) {
  const large = await generate({ gib: 16, log: context.log, signal: context.signal });
  const bound = ["--max-memory", "256m"];
  const one = pagekin(context, "analyze", "1 GiB", members(large.slice(0, 4)));
  const all = pagekin(context, "analyze", `16 GiB, ${bound.join(" ")}`, members(large), ...bound);
  return {
    programs: [one, all],
    reference: one.name,
    rounds: Math.min(context.runs, 3),
    bars: (results) => [
      {
        name: "16 GiB under --max-memory 256m, peak memory, MiB",
        got: peakOf(results.get(all.name)),
        limit: 256 + 120,
      },
      {
        name: "the same, CPU per GiB, against 1 GiB",
        got: ratio(results.get(all.name), results.get(one.name)) / 16,
        limit: 1.4,
      },
    ],
  };
}

/** Worlds of unique pages: a large one, and two of the size of the recordings T1 and D1; each some million visits. */
const UNIQUE = { large: [500_000, 10], T1: [13_856, 400], D1: [7_427, 800] };
const PASSES = "pages_to_scan: 100000000, smart_scan: false";

/** A replay of a scenario of its own. */
function scenario(context, name, sources, until, scanner, more = {}) {
  const file = path.join(context.scratch, `${name.replaceAll(/\W+/g, "-")}.yaml`);
  const list = sources.map((source) => JSON.stringify(source)).join(", ");
  fs.writeFileSync(file, `sources: [${list}]\nuntil: ${until}\nsample: 10s\nscanner: {${scanner}}\n`);
  return { ...pagekin(context, "replay", name, [file]), ...more };
}

/** The real ksmd as a program, or why it cannot be measured. */
function realKsmd() {
  const name = "real ksmd, 100,000 unique pages";
  const python = findProgram("python3");
  const run = "/sys/kernel/mm/ksm/run";
  const unable = !python
    ? "python3 is not installed"
    : !fs.existsSync(run) || process.getuid?.() !== 0
      ? "it needs a kernel with KSM, and root"
      : undefined;
  if (unable !== undefined) return { programs: [], skipped: [`${name}: skipped, ${unable}`] };
  const script = path.join(import.meta.dirname, "ksmd.py");
  return { programs: [{ name, command: [python, script], keepOutput: true, peer: true, times: 1 }], skipped: [] };
}

/**
 * What the scan takes is the difference between two replays of the same sources, a short one that does hardly more than load
 * them and a long one.
 * @param {Context} context @returns {Promise<Plan>}
 */
async function replay(context) {
  const worlds = [];
  for (const [name, [pages, passes]] of Object.entries(UNIQUE)) {
    const file = path.join(context.scratch, `unique-${name}.parquet`);
    await writeUnique(file, pages);
    const of = (count) =>
      scenario(context, `${pages} unique pages, passes: ${count}`, [`m=${file}`], `${count} passes`, PASSES);
    worlds.push({ visits: pages * passes, short: of(1), long: of(passes + 1) });
  }
  const guests = await generateGuests(context);
  const rate = "pages_to_scan: 200, sleep_millisecs: 20";
  const loaded = scenario(context, "guests, loading", guests, "1ms", rate, { times: 3 });
  const replayed = scenario(context, "guests, 30 minutes", guests, "30m", rate, { times: 3 });
  const ksmd = realKsmd();
  return {
    programs: [...worlds.flatMap(({ short, long }) => [short, long]), loaded, replayed, ...ksmd.programs],
    skipped: ksmd.skipped,
    reference: worlds[0].short.name,
    bars: (results) => {
      const taken = (long, short) => less(results.get(long.name), results.get(short.name));
      const costs = worlds.map(({ visits, short, long }) => taken(long, short).map((s) => (s * 1e6) / visits));
      const [large, ...small] = costs.map(median);
      const factor = median(costs[0].map((cost, round) => cost / Math.max(...costs.slice(1).map((c) => c[round]))));
      const bars = [
        {
          name: "500,000 unique pages, passes 2 to 11, CPU microseconds a visit",
          got: large,
          limit: 1,
          note: rates([large]),
        },
        {
          name: "worlds of the size of T1 and D1, the same, the slower one",
          got: Math.max(...small),
          limit: 1 / 3,
          note: `${rates(small)}; ${factor.toFixed(2)} times the rate at 500,000`,
        },
        {
          name: "100 snapshots of 3 GiB, 30 minutes, CPU seconds less loading",
          got: median(taken(replayed, loaded)),
          limit: 20,
        },
        { name: "the same, peak memory, MiB", got: peakOf(results.get(replayed.name)), limit: 2048 },
      ];
      const real = ksmd.programs.map(({ name }) => results.get(name)?.output).find(Boolean);
      if (real) {
        bars.push({
          name: "500,000 unique pages, CPU a visit, against the real ksmd's with 100,000",
          got: large / Number(real),
          limit: 0.1,
          note: `ksmd: ${real} microseconds`,
        });
      }
      return bars;
    },
  };
}

/** Seconds of CPU that the one took more than the other, by round. */
function less(long, short) {
  return long.samples.flatMap((sample, round) => {
    const other = short.samples[round];
    return sample && other ? [sample.cpu - other.cpu] : [];
  });
}

const rates = (costs) => `${costs.map((cost) => (1 / cost).toFixed(2)).join(" and ")} million visits a second`;

/** @type {Record<string, {about: string, plan: (context: Context) => Plan | Promise<Plan>, onRequest?: boolean}>} */
export const SECTIONS = {
  speed: { about: "five page sizes and 4 KiB, by workers, against cat and bare node", plan: speed },
  workers: { about: "two workers against one, over 2 GiB", plan: workers },
  peers: { about: "native, xxhsum, Python, duperemove (slow ones run less often)", plan: peers },
  fingerprint: { about: "writing a trace and reading it back", plan: fingerprint },
  members: { about: "1,000 members of 1 MiB against four of the same total", plan: manyMembers },
  policies: { about: "compare against analyze, and 1,000 groupings of 64 members scored", plan: policies },
  replay: {
    about: "visits of unique pages, also by the real ksmd (as root, where it is idle), and 100 snapshots of 3 GiB",
    plan: replay,
  },
  formats: { about: "the same memory in every format, against raw and against decompressors alone", plan: formats },
  start: { about: "--help and a 1 MiB dump against bare node", plan: start },
  growth: { about: "every kind of input, and four times as much of it", plan: growth, onRequest: true },
  spill: { about: "16 GiB of generated dumps under --max-memory 256m", plan: spill, onRequest: true },
};
