// Mutates small valid files of every format and reads each: an answer, or one line that says what is wrong and where, within
// two seconds of CPU time and some memory. Prints a line for each format, and for each failure its seed and case, and keeps its file.
//
//   npm run fuzz -- [--cases N] [--seed N] [--jobs N] [--case N] [--every-cut] [FORMAT...]

import { fork } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "rolldown";

const USUAL_CASES = 20_000;
/** More than the least that a process of many cases has: garbage is not collected after each. */
const MOST_RSS_BYTES = 400 * 1024 * 1024;
const HEAP_MIB = 256;
/** Of CPU time, for one case: others at work do not matter. */
const MOST_MS = 2000;
/** Cases of one process, so that both processors are busy to the end. */
const CASES_A_JOB = 5000;
const MOST_FAILURES_SHOWN = 5;
const WATCH_MS = 100;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: "string" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
    case: { type: "string" },
    "every-cut": { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const everyCut = values["every-cut"];
const only = values.case === undefined ? undefined : Number(values.case);
const root = path.join(import.meta.dirname, "../..");
// Some of the files are in folders of the tests.
process.chdir(root);
const folder = mkdtempSync(path.join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pagekin-fuzz-"));
const code = path.join(folder, "code");

await build({
  input: [path.join(import.meta.dirname, "child.ts"), path.join(import.meta.dirname, "subjects.ts")],
  platform: "node",
  checks: { ineffectiveDynamicImport: false },
  transform: { target: "node20.19", define: { fetch: "undefined", __dirname: "import.meta.dirname" } },
  external: ["vitest"],
  output: { dir: code, entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
});
copyFileSync(path.join(root, "dist/core.wasm"), path.join(code, "core.wasm"));
// Where version.ts looks for it.
copyFileSync(path.join(root, "package.json"), path.join(folder, "package.json"));

const { SUBJECTS } = await import(path.join(code, "subjects.mjs"));
const names = SUBJECTS.map(({ name }) => name).filter((name) => positionals.length === 0 || positionals.includes(name));
if (names.length === 0) throw new Error(`no such format: ${positionals.join(", ")}`);

const totals = new Map(
  names.map((name) => [name, { cases: 0, read: 0, slowestMs: 0, slowest: 0, rss: 0, failures: 0 }]),
);
const queue = (await Promise.all(names.map((name) => jobsOf(name)))).flat();

async function jobsOf(subject) {
  const job = { subject, seed, everyCut, mostRssBytes: MOST_RSS_BYTES };
  totals.get(subject).jobs = 1;
  if (only !== undefined) return [{ ...job, from: only, to: only + 1 }];
  const { bases, mostCases = CASES_A_JOB } = SUBJECTS.find(({ name }) => name === subject);
  const lengths = (await bases()).map(({ bytes }) => bytes.length - 1);
  const cuts = 2 * lengths.reduce((a, b) => a + b);
  const count = everyCut ? Math.min(cuts, Number(values.cases ?? cuts)) : Number(values.cases ?? USUAL_CASES);
  const starts = Array.from({ length: Math.ceil(count / mostCases) }, (_, i) => i * mostCases);
  totals.get(subject).jobs = starts.length;
  return starts.map((from) => ({ ...job, from, to: Math.min(count, from + mostCases) }));
}

function fail(job, number, what, kept, allowTruncated) {
  const total = totals.get(job.subject);
  if (total.failures++ >= MOST_FAILURES_SHOWN) return;
  const again = `--seed ${seed} --case ${number}${everyCut ? " --every-cut" : ""} ${job.subject}`;
  console.log(`FAILED ${again}${allowTruncated ? " (with --allow-truncated)" : ""}\n  ${what}\n  ${kept ?? ""}`);
}

/** CPU time of a process that runs; see proc_pid_stat(5). A tick is 10 ms on all of Linux's machines. */
function cpuMs(pid) {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/.*\) /, "").split(" ").slice(11, 13);
    return 10 * (Number(user) + Number(system));
  } catch {
    // It has ended.
    return 0;
  }
}

/** Runs a job in a process of its own, and what is left of it in another one where it has to be ended. */
function runJob(job, place) {
  return new Promise((resolve) => {
    const own = path.join(folder, `job-${place}`);
    rmSync(path.join(own, "number"), { force: true });
    const child = fork(path.join(code, "child.mjs"), {
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, TMPDIR: folder },
    });
    let last = "";
    let since = 0;
    let next;
    let isDone = false;
    let why = "the process ended";
    const watch = setInterval(() => {
      const number = existsSync(path.join(own, "number")) ? readFileSync(path.join(own, "number"), "latin1") : "";
      if (number !== last) [last, since] = [number, cpuMs(child.pid)];
      else if (number !== "" && !isDone && cpuMs(child.pid) - since > MOST_MS) {
        why = `not done after ${MOST_MS} ms`;
        child.kill("SIGKILL");
      }
    }, WATCH_MS);
    child.on("message", (message) => {
      if (message.failed !== undefined)
        return fail(job, message.failed, message.what, message.kept, message.allowTruncated);
      isDone = true;
      next = message.next;
      const total = totals.get(job.subject);
      const { done } = message;
      total.cases += done.cases;
      total.read += done.read;
      total.rss = Math.max(total.rss, done.mostRss - done.leastRss);
      if (done.slowestMs > total.slowestMs) Object.assign(total, { slowestMs: done.slowestMs, slowest: done.slowest });
    });
    child.on("exit", (exit) => {
      clearInterval(watch);
      if (!isDone) {
        const text = readFileSync(path.join(own, "number"), "latin1");
        if (text === "") throw new Error(`${job.subject}: no case was begun`);
        const number = Number(text);
        const kept = path.join(own, `${job.subject}-${seed}-${number}`);
        copyFileSync(path.join(own, "case"), kept);
        fail(job, number, `${why} (exit code ${exit})`, kept);
        totals.get(job.subject).cases += number + 1 - job.from;
        next = number + 1;
      }
      if (next !== undefined && next < job.to) queue.unshift({ ...job, from: next });
      else if (--totals.get(job.subject).jobs === 0) printTotal(job.subject);
      resolve();
    });
    mkdirSync(own, { recursive: true });
    child.send({ ...job, folder: own });
  });
}

function printTotal(name) {
  const { cases, read, failures, slowestMs, slowest, rss } = totals.get(name);
  const time = `slowest ${Math.round(slowestMs)} ms (case ${slowest})`;
  const memory = `${Math.round(rss / 2 ** 20)} MiB more than at the start`;
  console.log(`${name.padEnd(18)} ${cases} cases, ${read} read, ${failures} failed; ${time}; ${memory}`);
}

const began = Date.now();
const workers = Array.from({ length: Number(values.jobs) }, async (_, place) => {
  for (let job = queue.shift(); job; job = queue.shift()) await runJob(job, place);
});
await Promise.all(workers);

const failures = [...totals.values()].reduce((sum, total) => sum + total.failures, 0);
console.log(`seed ${seed}: ${failures} failures in ${Math.round((Date.now() - began) / 1000)} s`);
// Files of failures stay, the rest does not.
rmSync(code, { recursive: true });
rmSync(path.join(folder, "package.json"));
for (const job of readdirSync(folder)) {
  for (const file of ["case", "map", "number"]) rmSync(path.join(folder, job, file), { force: true });
}
if (failures === 0) rmSync(folder, { recursive: true });
process.exit(failures === 0 ? 0 : 1);
