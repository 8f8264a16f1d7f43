// Every ```sh block of the README and of docs/ is run as a reader would paste it.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const pages = ["README.md", ...readdirSync(path.join(root, "docs")).map((file) => `docs/${file}`)];

/** The sh blocks of a page, by the line that they begin at. */
function blocksOf(page: string): [line: number, block: string][] {
  const text = readFileSync(path.join(root, page), "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => [
    text.slice(0, match.index).split("\n").length,
    match[1] as string,
  ]);
}

describe("command blocks", () => {
  let folder: string;

  // A folder that looks like the clone, so that what the blocks write stays out of it.
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "pagekin-docs-"));
    const made = ["demo-out", "pagekin-out", ".git"];
    for (const entry of readdirSync(root).filter((name) => !made.includes(name))) {
      symlinkSync(path.join(root, entry), path.join(folder, entry));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("there are some", () => {
    expect(pages.flatMap(blocksOf).length).toBeGreaterThan(5);
  });

  for (const page of pages) {
    for (const [line, block] of blocksOf(page)) {
      test(`${page}, line ${line}`, { timeout: 60_000 }, async () => {
        const { stdout } = await run("sh", ["-e", "-c", block], { cwd: folder });
        expect(stdout.trim()).not.toBe("");
      });
    }
  }
});
