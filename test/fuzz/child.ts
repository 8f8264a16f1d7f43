// Runs cases of one subject. The number of the case at work is in a file, for whoever watches this process.

import { mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { DumpChecker, inputChecker } from "./check.js";
import { type Case, caseOf, cutCase } from "./mutate.js";
import { type Base, SUBJECTS } from "./subjects.js";

export interface Job {
  subject: string;
  seed: number;
  folder: string;
  /** Cases from..to-1; of cuts it is the number of a cut. */
  from: number;
  to: number;
  everyCut: boolean;
  mostRssBytes: number;
}

const MIB = 1024 * 1024;

/** Where the lengths of all small bases are one sequence, each length twice. */
function cutNumber(bases: readonly Base[], number: number): Case | undefined {
  let rest = number >> 1;
  for (const base of bases) {
    if (rest < base.bytes.length - 1) return cutCase(base, rest + 1, number % 2 === 1);
    rest -= base.bytes.length - 1;
  }
  return undefined;
}

const openFiles = () => readdirSync("/proc/self/fd").length;

async function run({ subject, seed, folder, from, to, everyCut, mostRssBytes }: Job): Promise<void> {
  const found = SUBJECTS.find(({ name }) => name === subject);
  if (!found) throw new Error(`no subject ${subject}`);
  const bases = await found.bases();
  mkdirSync(folder, { recursive: true });
  const dumps = new DumpChecker(folder);
  const check = found.door ? await inputChecker(found.door, folder) : (one: Case) => dumps.check(one);
  const state = openSync(path.join(folder, "number"), "w");
  let current: Case | undefined;
  const keep = (what: string, number: number) => {
    const kept = path.join(folder, `${subject}-${seed}-${number}`);
    if (current) writeFileSync(kept, current.bytes);
    if (current?.resident) writeFileSync(`${kept}.map`, current.resident);
    process.send?.({ failed: number, what, kept, allowTruncated: current?.allowTruncated });
  };
  let number = from;
  process.on("unhandledRejection", (error) => keep(`unhandled: ${(error as Error).stack}`, number));
  const done = { cases: 0, read: 0, slowestMs: 0, slowest: -1, leastRss: 0, mostRss: 0 };
  // What the first case loads is no part of any.
  for (const base of bases) {
    const { wrong, read } = await check(cutCase(base, base.bytes.length, false));
    if (wrong !== undefined || !read)
      throw new Error(`file ${bases.indexOf(base)} of ${subject} is no valid one: ${wrong}`);
  }
  const startRss = process.resourceUsage().maxRSS * 1024;
  const startFiles = openFiles();
  done.leastRss = startRss;
  for (; number < to; number++) {
    current = everyCut ? cutNumber(bases, number) : caseOf(bases, seed, number);
    if (!current) break;
    writeSync(state, String(number).padEnd(12), 0);
    const began = process.cpuUsage();
    const { wrong, read } = await check(current);
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1000;
    if (wrong !== undefined) keep(wrong, number);
    done.cases++;
    if (read) done.read++;
    if (took > done.slowestMs) Object.assign(done, { slowestMs: took, slowest: number });
    const rss = process.resourceUsage().maxRSS * 1024;
    done.mostRss = Math.max(done.mostRss, rss);
    if (rss > startRss + mostRssBytes) {
      keep(`${Math.round(rss / MIB)} MiB of memory, ${Math.round(startRss / MIB)} at the start`, number++);
      break;
    }
  }
  // Streams close their files in later turns.
  await setTimeout(50);
  if (openFiles() > startFiles) keep(`${openFiles() - startFiles} files were left open by the cases before`, number);
  process.send?.({ done, next: current ? number : undefined }, () => process.exit(0));
}

process.on(
  "message",
  (job: Job) =>
    void run(job).catch((error) => {
      process.send?.({ failed: -1, what: `the child itself: ${error.stack}` }, () => process.exit(1));
    }),
);
