// Runs programs by turns and takes CPU time, wall time and peak memory of each whole process.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string[]} command
 * @property {number} [times] measured runs, where fewer than rounds (slow programs)
 * @property {boolean} [peer] may fail without ending the bench
 * @property {boolean} [keepOutput] the bench reads what it prints
 * @property {() => void} [before] called before each run
 *
 * @typedef {{cpu: number, wall: number, peak: number}} Sample seconds, seconds, MiB
 * @typedef {{samples: (Sample | undefined)[], output: string}} Result samples by round
 */

// Both timers, since each lacks something: GNU time cuts its seconds to hundredths,
// which is too coarse for `cat`, and bash's `time` knows nothing of memory.
const SCRIPT = `TIMEFORMAT='%3U %3S %3R'; dir=$1 out=$2; shift 2
{ time "$0" -o "$dir/peak" -f %M "$@" </dev/null >"$out" 2>"$dir/err"; } 2>"$dir/times"`;

/** @returns {Promise<Sample & {output: string}>} */
async function runOnce(program, { timer, scratch, signal }) {
  signal.throwIfAborted();
  program.before?.();
  const out = program.keepOutput ? path.join(scratch, "stdout") : "/dev/null";
  // a process group of its own, so that an interrupt ends the timers and the program together
  const child = spawn("bash", ["-c", SCRIPT, timer, scratch, out, ...program.command], {
    stdio: "ignore",
    detached: true,
  });
  const stop = () => process.kill(-child.pid, "SIGKILL");
  signal.addEventListener("abort", stop);
  const status = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  const read = (name) => fs.readFileSync(path.join(scratch, name), "utf8").trim();
  if (status !== 0) {
    throw new Error(`${program.name}: ended with ${status}: ${read("err").split("\n").pop()}`);
  }
  // a locale may write a comma
  const [user, system, wall] = read("times").replaceAll(",", ".").split(/\s+/).map(Number);
  return {
    cpu: user + system,
    wall,
    peak: Number(read("peak")) / 1024,
    output: program.keepOutput ? read("stdout") : "",
  };
}

/** Spreads a program's runs evenly over the rounds. */
function takesPart(times, round, rounds) {
  return Math.floor(((round + 1) * times) / rounds) > Math.floor((round * times) / rounds);
}

/**
 * One run of every program a round, so that a busy moment of the machine hits all
 * alike. A first run of those that take part in every round is not counted: it
 * brings files and programs into the page cache.
 * @param {Program[]} programs
 * @param {{rounds: number, timer: string, scratch: string, signal: AbortSignal,
 *   progress: (line: string) => void}} options
 */
export async function measureByTurns(programs, options) {
  const { rounds, progress, signal } = options;
  /** @type {Map<string, Result>} */
  const results = new Map(programs.map((program) => [program.name, { samples: [], output: "" }]));
  const failures = [];
  for (let round = -1; round < rounds; round++) {
    for (const program of programs) {
      const result = results.get(program.name);
      const times = Math.min(program.times ?? rounds, rounds);
      const due = round < 0 ? times === rounds : takesPart(times, round, rounds);
      if (!result || !due) continue;
      progress(`${round < 0 ? "warming up" : `round ${round + 1} of ${rounds}`}: ${program.name}`);
      try {
        const { output, ...sample } = await runOnce(program, options);
        result.output = output;
        if (round >= 0) result.samples[round] = sample;
      } catch (error) {
        if (!program.peer || signal.aborted) throw error;
        failures.push(error.message);
        results.delete(program.name);
      }
    }
  }
  return { results, failures };
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {Result} result @param {keyof Sample} what */
export function medianOf(result, what) {
  return median(result.samples.filter(Boolean).map((sample) => sample[what]));
}

/** The greatest peak of all runs, in MiB. @param {Result} result */
export function peakOf(result) {
  return Math.max(...result.samples.filter(Boolean).map((sample) => sample.peak));
}

/**
 * The median of the ratios of each round in which both ran: what slows a round
 * down slows both, so this is steadier than the ratio of the medians.
 * @param {Result} a @param {Result} b @param {keyof Sample} [what]
 * @param {Result} [less] taken off `a` first (bare node's start)
 */
export function ratio(a, b, what = "cpu", less = undefined) {
  const ratios = [];
  a.samples.forEach((sample, round) => {
    const other = b.samples[round];
    if (other) ratios.push((sample[what] - (less ? less.samples[round][what] : 0)) / other[what]);
  });
  return median(ratios);
}
