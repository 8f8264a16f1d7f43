// npm run demo: a first look at pagekin, on made dumps whose sharing is known and on traces of real guests.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { makeDumps } from "./make-dumps.mjs";

const OUT = "demo-out";
const DUMPS = `${OUT}/dumps`;

const STEPS = [
  {
    title: "The worked example of the SEMMA paper",
    see: [
      "VM1 and VM2 hold three copies of page P, VM3 three of Q. Self-sharing saves",
      "two pages in each (66.67 %), inter-VM sharing one more of all nine (11.11 %).",
    ],
    sources: ["VM1", "VM2", "VM3"].map((name) => `${DUMPS}/semma/${name}.raw`),
    options: ["--page-size=4k", `--out=${OUT}/semma`],
  },
  {
    title: "A small world with known sharing: raw dumps, one sparse, one compressed",
    see: [
      "cache is mostly zero pages: without them nothing is left of its self-sharing.",
      "Finer pages find more: a rate says little without its page size.",
    ],
    sources: ["web.raw", "db.raw", "cache.raw", "batch.raw.gz"].map((file) => `${DUMPS}/world/${file}`),
    options: [`--out=${OUT}/world`],
  },
  {
    title: "Three real guests from traces, at five page sizes",
    see: [
      "a1 and a2 are two boots of one image, b1 is another system: inter-VM sharing",
      "needs the same software. It halves from 4 to 8 KiB, and again to 16 KiB.",
    ],
    sources: ["a1", "a2", "b1"].map((name) => `traces/${name}.parquet`),
    options: [`--out=${OUT}/sizes`],
  },
  {
    title: "Seven idle guests, with labels from an inventory",
    see: [
      "Only two boots of one system share more than two per cent with each other:",
      "what idle guests have in common is their system. Who may share matters.",
    ],
    sources: [],
    options: ["--inventory=traces/guests.csv", `--out=${OUT}/guests`],
  },
  {
    title: "Three guests at work, four snapshots each",
    see: [
      "Each time is a world of its own. Self-sharing moves by less than one point in",
      "two minutes of work: one snapshot tells how much, if not which pages.",
    ],
    sources: [],
    options: ["--inventory=traces/series.csv", `--out=${OUT}/series`],
  },
  {
    title: "What isolation costs: the idle guests again, owned by three tenants",
    see: [
      "Keeping tenants apart loses two fifths of the saving, and leaves no page that a",
      "neighbour could probe for. Four well chosen groups save more than three tenants.",
    ],
    command: "compare",
    sources: [`${OUT}/guests/spectrum.parquet`],
    options: [
      "--policy=one-group",
      "--policy=by:tenant",
      "--policy=by:os",
      "--policy=best:4",
      "--policy=per-member",
      "--policy=zero-only",
      `--out=${OUT}/policies`,
    ],
  },
  {
    title: "What scanners get in time: one ksmd for each tenant of the idle guests",
    see: [
      "Two minutes of Linux's own scan, page by page. It ends with what compare said of",
      "tenants, nine tenths of it after five seconds; the scanning never ends.",
    ],
    command: "replay",
    sources: ["traces/scenarios/guests.yaml"],
    options: [`--out=${OUT}/replay`],
  },
];

const bold = (text) => (process.stdout.isTTY && process.env.NO_COLOR === undefined ? `\x1b[1m${text}\x1b[22m` : text);
let child;
const removeDumps = () => rmSync(DUMPS, { recursive: true, force: true });

process.chdir(path.dirname(import.meta.dirname));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(130));
// Whoever read the first lines has seen enough.
process.stdout.on("error", () => end(0));

try {
  mkdirSync(OUT, { recursive: true });
  makeDumps(DUMPS);
  for (const [number, step] of STEPS.entries()) await show(number + 1, step);
} finally {
  removeDumps();
}
console.log(`${bold("The results")} are in ${path.resolve(OUT)}, a folder for each of the seven:`);
console.log("  docs/files.md says what each file and column is, docs/papers.md what figures come of them.");
console.log("  The made dumps are removed again; node traces/make-dumps.mjs DIR makes them anew.");

/** Ends before the time, when the program that runs has ended. */
function end(code) {
  const finish = () => {
    removeDumps();
    process.exit(code);
  };
  if (child?.exitCode !== null || child.signalCode !== null) return finish();
  child.once("close", finish);
  child.kill();
}

async function show(number, { title, see, command = "analyze", sources, options }) {
  const args = [command, ...sources, ...options];
  console.log(`${bold(`${number}. ${title}`)}\n   ${see.join("\n   ")}\n`);
  console.log(wrapped(["$ npx pagekin", ...args]));
  const code = await run(["dist/main.js", ...args]);
  if (code !== 0) end(code);
  console.log("");
}

/** Words of a command as lines of at most 80 characters that a shell takes as one. */
function wrapped(words) {
  const lines = [words[0]];
  for (const word of words.slice(1)) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= 78) lines[lines.length - 1] = line;
    else lines.push(`    ${word}`);
  }
  return lines.join(" \\\n");
}

/** Runs node with the same terminal; gives the exit code. */
function run(args) {
  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
