// Traces cut at each byte and with each byte changed, by pagekin and by pyarrow: read or refused in one line, and in time.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { readDamaged } from "../support/read-damaged.js";

const FOLDER = fileURLToPath(new URL("pyarrow", import.meta.url));
const FILES = ["pagekin's own", ...readdirSync(FOLDER).filter((name) => name.endsWith(".parquet"))];

describe.each(FILES)("%s", (name) => {
  test.for(["cut", "bits", "bytes"] as const)("%s", async (how, { folder }) => {
    const from = name.endsWith(".parquet") ? path.join(FOLDER, name) : await writeTrace(folder);
    const { forms, read } = await readDamaged("trace", folder, from, how);
    expect(forms).toBe(readFileSync(from).length - 4);
    if (how === "cut") expect(read).toBe(0);
    else expect(read).toBeGreaterThan(0);
  });
});

async function writeTrace(folder: string): Promise<string> {
  writeFileSync(path.join(folder, "vm.raw"), dumpOf([TINY, 0, TINY + 1, 0, 0, TINY]));
  await succeed(["fingerprint", "vm.raw", "--page-size", "4k", "--out", "traces", "--quiet"], { cwd: folder });
  return path.join(folder, "traces", "vm.parquet");
}
