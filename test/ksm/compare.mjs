// npm run test:ksm [-- SEED]: records this machine's own ksmd over small worlds and compares every counter of every sample
// with the replay; then has it merge all memory of two processes, and compares what it saves with what pagekin says of them.
// Where that cannot be done it says why in a line.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { worldsFrom } from "./worlds.mjs";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const RECORDER = fileURLToPath(new URL("record.py", import.meta.url));
const PROCESSES = fileURLToPath(new URL("processes.py", import.meta.url));
const KSM = "/sys/kernel/mm/ksm";
const RECORDING_MS = 120_000;
const SHOWN = 10;
/** Virtual milliseconds: a batch every 20; what happens after it, half-way; the state then, three quarters on. */
const BATCH_MS = 20;
const EVENTS_MS = 10;
const AFTER_MS = 15;

class Skipped extends Error {}

class Failed extends Error {}

/** What can be compared with this machine's kernel, and by which rules. */
function readKernel() {
  if (process.platform !== "linux") throw new Skipped(`this is ${process.platform}, not Linux`);
  const [major, minor] = os.release().split(/[.-]/).map(Number);
  const isFrom = (otherMajor, otherMinor) => major > otherMajor || (major === otherMajor && minor >= otherMinor);
  if (!existsSync(`${KSM}/run`)) throw new Skipped("this kernel has no KSM");
  if (!isFrom(6, 1)) throw new Skipped(`Linux ${os.release()} is older than 6.1`);
  if (process.getuid() !== 0) throw new Skipped("only root can control ksmd");
  if (spawnSync("python3", ["--version"]).status !== 0) throw new Skipped("there is no python3");
  return {
    rules: isFrom(6, 11) ? "linux-6.11" : "linux-6.1",
    leftOut: [
      // 6.6 to 6.9 miscount the pages of a batch; before ksm_zero_pages the profit is without zero pages.
      ...(isFrom(6, 10) ? [] : ["pages_scanned"]),
      ...(existsSync(`${KSM}/ksm_zero_pages`) ? [] : ["general_profit"]),
    ],
  };
}

/** The kernel's counters after each step of each world. */
function record(worlds) {
  const { stdout, stderr, status, error } = spawnSync("python3", [RECORDER], {
    input: JSON.stringify(worlds),
    encoding: "utf8",
    timeout: RECORDING_MS,
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Failed(`the recording failed: ${error?.message ?? ""}\n${stderr}`);
  const { runs, skipped } = JSON.parse(stdout);
  if (skipped) throw new Skipped(skipped);
  return runs;
}

/** For each step of a world the times when it happens and when its sample is taken. */
function clockOf({ steps }) {
  let batches = 0;
  return steps.map((step) => {
    if (step === "batch") batches++;
    const start = (batches - 1) * BATCH_MS;
    return step === "batch" ? { at: start, sample: start } : { at: start + EVENTS_MS, sample: start + AFTER_MS };
  });
}

function writeScenario(folder, { members, start, settings, steps }, clock, rules) {
  for (const [name, contents] of Object.entries(members)) {
    const rows = contents.map((content, page) => `4096,${page},${content},${/^0*$/.test(content)}\n`);
    writeFileSync(path.join(folder, `${name}.csv`), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
  }
  const sources = start.map((name) => `${name}@0=${name}.csv`);
  const events = [];
  for (const [i, step] of steps.entries()) {
    if (step === "batch") continue;
    for (const { op, member, ...event } of step) {
      const time = clock[i].at / 1000;
      const add = (page, content) => events.push(`${time},${member},${op},${page},${content}\n`);
      if (op === "enter") sources.push(`${member}@${time}=${member}.csv`);
      else if (op === "write") for (const [j, page] of event.pages.entries()) add(page, event.contents[j]);
      else if (op === "drop") for (let page = event.start; page < event.start + event.count; page++) add(page, "");
      else add("", "");
    }
  }
  if (events.length > 0) {
    writeFileSync(path.join(folder, "events.csv"), `time_s,member,event,page,fingerprint\n${events.join("")}`);
  }
  const lines = [
    "sources:",
    ...sources.map((source) => `  - ${source}`),
    `until: ${clock[clock.length - 1].at + BATCH_MS}ms`,
    "sample: 5ms",
    ...(events.length > 0 ? ["events: events.csv"] : []),
    "scanner:",
    `  rules: ${rules}`,
    `  sleep_millisecs: ${BATCH_MS}`,
    // What the kernel lacks, the replay does not do by default with these rules.
    ...Object.entries(settings).flatMap(([key, value]) => (existsSync(`${KSM}/${key}`) ? [`  ${key}: ${value}`] : [])),
  ];
  writeFileSync(path.join(folder, "scenario.yaml"), `${lines.join("\n")}\n`);
}

/** The replay's counters by the sample's time in milliseconds. */
function replay(folder) {
  const args = [MAIN, "replay", "scenario.yaml", "--out", "out", "--quiet"];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Failed(`the replay failed: ${stderr}`);
  const [header, ...rows] = readFileSync(path.join(folder, "out", "samples.csv"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const all = rows.filter((row) => row[header.indexOf("group")] === "*");
  return new Map(
    all.map((row) => {
      const counters = Object.fromEntries(header.map((column, i) => [column, Number(row[i])]));
      return [Math.round(counters.time_s * 1000), counters];
    }),
  );
}

/** Replays a world; the samples that differ, each with what differs. */
function compare(folder, world, recorded, { rules, leftOut }) {
  const clock = clockOf(world);
  writeScenario(folder, world, clock, rules);
  const replayed = replay(folder);
  return recorded.flatMap((kernel, i) => {
    const ours = replayed.get(clock[i].sample) ?? {};
    const wrong = Object.keys(kernel).filter(
      (counter) => !leftOut.includes(counter) && kernel[counter] !== ours[counter],
    );
    return wrong.length > 0 ? [{ sample: i, time: clock[i].sample / 1000, wrong, kernel, ours }] : [];
  });
}

function test(seed) {
  const kernel = readKernel();
  const worlds = worldsFrom(seed);
  const runs = record(worlds);
  const folder = mkdtempSync(path.join(os.tmpdir(), "pagekin-ksm-"));
  let isExact = true;
  for (const [i, world] of worlds.entries()) {
    const own = path.join(folder, String(i));
    mkdirSync(own);
    writeFileSync(path.join(own, "recorded.json"), JSON.stringify(runs[i]));
    const differing = compare(own, world, runs[i], kernel);
    const exact = runs[i].length - differing.length;
    console.log(
      `ksmd of Linux ${os.release()}, ${kernel.rules}, ${world.name}: ${exact} of ${runs[i].length} samples exact`,
    );
    for (const { sample, time, wrong, kernel: theirs, ours } of differing.slice(0, SHOWN)) {
      const values = wrong.map((counter) => `${counter} kernel ${theirs[counter]} replay ${ours[counter]}`);
      console.log(`  sample ${sample} (${time} s): ${values.join(", ")}`);
    }
    isExact &&= differing.length === 0;
  }
  if (isExact) rmSync(folder, { recursive: true });
  else console.log(`the scenarios and recordings are in ${folder}`);
  return isExact ? 0 : 1;
}

/** Two processes that ksmd has merged, beside what `pagekin processes --live` says of them. */
function testProcesses() {
  const folder = mkdtempSync(path.join(os.tmpdir(), "pagekin-ksm-"));
  const look = [
    process.execPath,
    MAIN,
    "processes",
    "--live",
    "--sample",
    "1",
    "--json",
    "--out",
    path.join(folder, "out"),
  ];
  const options = { encoding: "utf8", timeout: RECORDING_MS, maxBuffer: 2 ** 28 };
  const { stdout, stderr, status, error } = spawnSync("python3", [PROCESSES, ...look], options);
  rmSync(folder, { recursive: true });
  if (status !== 0) throw new Failed(`two processes could not be merged: ${error?.message ?? ""}\n${stderr}`);
  const { kernel, alike, said, skipped } = JSON.parse(stdout);
  if (skipped) throw new Skipped(`two processes: ${skipped}`);
  const saved = Math.round(said.all.saved_pages);
  const merged = said.processes.map(({ ksm }) => ksm.ksm_merging_pages).reduce((a, b) => a + b);
  console.log(
    `two processes of ${said.all.pages} pages: ksmd saves ${kernel.pages_sharing}, pagekin says ${saved} (${alike} of them made so)`,
  );
  // To each content that has copies one frame, and a page for each further copy.
  const isExact = saved === kernel.pages_sharing && merged === kernel.pages_sharing + kernel.pages_shared;
  const isSame = Object.entries(kernel).every(([name, value]) => said.kernel[name] === value);
  if (!isSame)
    console.log(`pagekin shows other counters: ${JSON.stringify(said.kernel)} for ${JSON.stringify(kernel)}`);
  return isExact && isSame && saved >= alike ? 0 : 1;
}

try {
  process.exitCode = test(Number(process.argv[2] ?? 1)) || testProcesses();
} catch (error) {
  if (error instanceof Skipped) {
    console.log(`test:ksm skipped: ${error.message}`);
  } else if (error instanceof Failed) {
    console.error(error.message);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
