// Reads a damaged zstd dump over and over in one process, then a good one. Run with --expose-gc. Arguments: the damaged
// files, which take turns, and the good one. Stdout: the lines of the errors, the memory after a tenth and at the end (bytes),
// and the pages of the good dump.

import { setImmediate } from "node:timers/promises";
import { analyze, PagekinError } from "pagekin";

const TIMES = 1000;
const files = process.argv.slice(2);
const good = files.pop();

const pagesOf = async (file) => {
  const [{ sharing }] = await analyze([`vm=${file}`], { pageSizes: [4096], workers: 1, maxMemory: 2 ** 24 });
  return sharing[0].pages;
};
/** What is still held when one collection after the other frees nothing more: memories of WebAssembly go some turns later. */
const memory = async () => {
  let held = process.memoryUsage();
  for (let last = Infinity; held.external < last; held = process.memoryUsage()) {
    last = held.external;
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await setImmediate();
    }
  }
  const { rss, external } = held;
  return { rss, external };
};

const lines = new Set();
let before;
for (let i = 0; i < TIMES; i++) {
  if (i === TIMES / 10) before = await memory();
  try {
    await pagesOf(files[i % files.length]);
    throw new Error("a damaged file was read");
  } catch (error) {
    if (!(error instanceof PagekinError)) throw error;
    lines.add(error.line);
  }
}
console.log(JSON.stringify({ lines: [...lines], before, after: await memory(), pages: await pagesOf(good) }));
