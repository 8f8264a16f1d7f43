// What damaged zstd streams leave behind in a process that reads many.

import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { zstdOfWindow } from "../support/containers.js";
import { test } from "../support/folder.js";

const READER = fileURLToPath(new URL("../support/read-damaged-zstd.mjs", import.meta.url));
const run = promisify(execFile);

const MIB = 2 ** 20;

test("a thousand damaged streams cost no memory, and the next good one is read", async ({ folder }) => {
  const wrong = Buffer.alloc(4);
  const files = {
    "small.zst": zstdOfWindow(17, "ab", wrong),
    "middle.zst": zstdOfWindow(20, "ab", wrong),
    "large.zst": zstdOfWindow(27, "ab", wrong),
    "good.zst": zstdOfWindow(27, "ab"),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const { stdout, stderr } = await run(process.execPath, ["--expose-gc", READER, ...Object.keys(files)], {
    cwd: folder,
  });
  expect(stderr).toBe("");
  const { lines, before, after, pages } = JSON.parse(stdout);
  const line = (name: string) =>
    `${name}: at 0x0: the zstd stream is damaged here or behind, or needs too large a window; compress the file again, without --long`;
  expect(lines).toEqual(["small.zst", "middle.zst", "large.zst"].map(line));
  expect(after.rss - before.rss).toBeLessThan(64 * MIB);
  expect(after.external - before.external).toBeLessThan(64 * MIB);
  expect(pages).toEqual([64]);
});
