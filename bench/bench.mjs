// npm run bench: pagekin's speed against peers, on dumps named or generated.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bytesOf } from "./cut.mjs";
import { DEFAULT_DIR, generate } from "./generate.mjs";
import { describeMachine, findProgram } from "./machine.mjs";
import { measureByTurns, medianOf, peakOf, ratio } from "./measure.mjs";
import { SECTIONS } from "./sections.mjs";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const HELP = `npm run bench [-- [options] [DUMP...]]

Measures CPU time (user + system), wall time and peak memory of whole processes,
each section's programs by turns, and prints medians. Slow programs run less often.
Without DUMPs 1 GiB of dumps is made in
${DEFAULT_DIR} and kept for the next time.
DUMPs should be raw: the peers hash the files' bytes as they are.

  --only A,B    these sections alone
  --runs N      runs of each program                       [default: 7]
  --gib N       GiB of generated dumps                     [default: 1]
  --bin FILE    another build's main.js                    [default: this checkout's]
  --help

Sections:
${Object.entries(SECTIONS)
  .map(([name, { about, onRequest }]) => `  ${name.padEnd(13)} ${about}${onRequest ? " (only when named)" : ""}`)
  .join("\n")}

Example: npm run bench -- --only start,members --runs 5`;

class UsageError extends Error {}

function positive(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} takes a whole number from 1`);
  return value;
}

function chosenSections(only) {
  if (only === undefined) return Object.keys(SECTIONS).filter((name) => !SECTIONS[name].onRequest);
  const names = only.split(",");
  const unknown = names.find((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown !== undefined) {
    throw new UsageError(`--only ${unknown}: no such section; there are ${Object.keys(SECTIONS).join(", ")}`);
  }
  return names;
}

function readOptions() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string" },
        runs: { type: "string", default: "7" },
        gib: { type: "string", default: "1" },
        bin: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  return {
    help: values.help,
    sections: chosenSections(values.only),
    runs: positive("runs", values.runs),
    gib: positive("gib", values.gib),
    bin: path.resolve(values.bin ?? defaultBin()),
    dumps: positionals.map((file) => path.resolve(file)),
  };
}

function defaultBin() {
  const { bin } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8"));
  return path.join(ROOT, typeof bin === "string" ? bin : bin.pagekin);
}

/** GNU time, which alone tells the peak memory of a process that has ended. */
function findTimer() {
  const timer = findProgram("time");
  const version = timer ? spawnSync(timer, ["--version"], { encoding: "utf8" }) : undefined;
  if (!version || !/GNU/.test(version.stdout + version.stderr)) {
    throw new UsageError("GNU time is missing: apt-get install time");
  }
  if (!findProgram("bash")) throw new UsageError("bash is missing: apt-get install bash");
  return timer;
}

function table(results, reference) {
  const head = ["program", "runs", "CPU s", "wall s", "peak MiB", `CPU / ${reference}`];
  const rows = [...results].map(([name, result]) => [
    name,
    String(result.samples.filter(Boolean).length),
    medianOf(result, "cpu").toFixed(3),
    medianOf(result, "wall").toFixed(3),
    peakOf(result).toFixed(0),
    ratio(result, results.get(reference)).toFixed(2),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [head, ...rows].map(line).join("\n");
}

function barLine({ name, got, limit, note }) {
  const text = (number) => String(Number(number.toFixed(number < 0.1 ? 4 : 2)));
  return `${name}: ${text(got)}, at most ${text(limit)}${got <= limit ? "" : "  MISSED"}${note ? `  (${note})` : ""}`;
}

async function runSection(name, context) {
  console.log(`\n${name}: ${SECTIONS[name].about}`);
  const plan = await SECTIONS[name].plan(context);
  const { results, failures } = await measureByTurns(plan.programs, {
    rounds: plan.rounds ?? context.runs,
    timer: context.timer,
    scratch: context.scratch,
    signal: context.signal,
    progress: context.progress,
  });
  context.progress("");
  console.log(table(results, plan.reference));
  for (const skipped of plan.skipped ?? []) console.log(skipped);
  for (const failure of failures) console.log(`${failure} (left out)`);
  return plan.bars(results);
}

/** Runs each section; one that fails (a command that does not work) does not keep back the others. */
async function runSections(names, context) {
  const bars = [];
  for (const name of names) {
    try {
      bars.push(...(await runSection(name, context)));
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.progress("");
      console.log(`${name} failed: ${error.message}`);
      process.exitCode = 1;
    }
  }
  if (bars.length === 0) return;
  const reached = bars.filter((bar) => bar.got <= bar.limit).length;
  console.log(`\nbars\n${bars.map(barLine).join("\n")}\n${reached} of ${bars.length} reached`);
}

function progressLine(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function main() {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const timer = findTimer();
  const missing = [options.bin, ...options.dumps].find((file) => !fs.existsSync(file));
  if (missing !== undefined) {
    throw new UsageError(`${missing}: not there${missing === options.bin ? "; npm run build makes it" : ""}`);
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  const common = { signal: interrupt.signal, log: console.error };
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "pagekin-bench-run-"));
  try {
    const files = options.dumps.length > 0 ? options.dumps : await generate({ gib: options.gib, ...common });
    const gib = bytesOf(files) / 2 ** 30;
    if (gib === 0) throw new UsageError("the dumps are empty");
    console.log(`${describeMachine()}\ndumps   ${files.length} files, ${gib.toFixed(2)} GiB`);
    if (gib < 1 || files.length < 4) console.log("        the bars hold for 1 GiB or more in 4 files or more");
    await runSections(options.sections, { ...options, ...common, files, scratch, timer, progress: progressLine });
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progressLine("");
    console.error("bench: interrupted");
    process.exitCode = 130;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
