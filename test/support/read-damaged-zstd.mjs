// Reads a damaged zstd dump over and over in one process, then a good one. Run with --expose-gc. Arguments: the damaged
// files, which take turns, and the good one. Stdout: the lines of the errors, the memory after a tenth and at the end (bytes),
// and the pages of the good dump.

import { analyze, PagekinError } from "pagekin";

const TIMES = 1000;
const files = process.argv.slice(2);
const good = files.pop();

const pagesOf = async (file) => {
  const [{ sharing }] = await analyze([`vm=${file}`], { pageSizes: [4096], workers: 1, maxMemory: 2 ** 24 });
  return sharing[0].pages;
};
const memory = () => {
  globalThis.gc();
  const { rss, external } = process.memoryUsage();
  return { rss, external };
};

const lines = new Set();
let before;
for (let i = 0; i < TIMES; i++) {
  if (i === TIMES / 10) before = memory();
  try {
    await pagesOf(files[i % files.length]);
    throw new Error("a damaged file was read");
  } catch (error) {
    if (!(error instanceof PagekinError)) throw error;
    lines.add(error.line);
  }
}
console.log(JSON.stringify({ lines: [...lines], before, after: memory(), pages: await pagesOf(good) }));
