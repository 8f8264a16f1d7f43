// Analyzes each dump that the command line names 100 times by the library, and prints what the process holds before and after:
// open files, and bytes of memory once garbage is collected. Run with --expose-gc.

import { readdirSync } from "node:fs";
import { analyze } from "pagekin";

const CALLS = 100;
/** Calls after which everything that is loaded once is loaded. */
const WARM_UP = 20;

const openFiles = () => readdirSync("/proc/self/fd").length;

async function held() {
  // What WebAssembly held goes with its finalizers, which run between turns.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  const { rss } = process.memoryUsage();
  return { files: openFiles(), rss };
}

const dumps = process.argv.slice(2);
const outcomes = {};
async function analyzeAll() {
  for (const dump of dumps) {
    const outcome = await analyze([`vm=${dump}`], { workers: 1, pageSizes: [4096] }).then(
      () => "done",
      ({ name }) => name,
    );
    outcomes[dump] = outcome;
  }
}

for (let call = 0; call < WARM_UP; call++) await analyzeAll();
const before = await held();
for (let call = 0; call < CALLS; call++) await analyzeAll();
console.log(JSON.stringify({ before, after: await held(), outcomes }));
