// Every ```sh block of the README and of docs/ is run as a reader would paste it.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { VERSION } from "pagekin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const pages = ["README.md", ...readdirSync(path.join(root, "docs")).map((file) => `docs/${file}`)];

/** What npx does in a clone, for a small part of the time. */
const NPX = `npx() { [ "$1" = pagekin ]; shift; node dist/main.js "$@"; }\n`;

interface Block {
  /** Where it begins. */
  line: number;
  commands: string;
  /** The `text` block right behind it: some of the lines that it prints, as they stand there. */
  prints: string | undefined;
}

/** The sh blocks of a page. */
function blocksOf(page: string): Block[] {
  const text = readFileSync(path.join(root, page), "utf8");
  const blocks = text.matchAll(/^```sh\n(.*?)^```\n(?:\n*```text\n(.*?)^```)?/gms);
  return [...blocks].map(({ index, 1: commands, 2: prints }) => ({
    line: text.slice(0, index).split("\n").length,
    commands,
    prints,
  }));
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

  test("npx pagekin is the clone's", async () => {
    // It keeps a log of each run, which is not to be among those of the user.
    const env = { ...process.env, npm_config_cache: path.join(folder, "npm-cache") };
    const { stdout } = await run("npx", ["pagekin", "--version"], { cwd: folder, env });
    expect(stdout).toBe(`${VERSION}\n`);
  });

  test("there are some, and some whose output is shown", () => {
    const blocks = pages.flatMap(blocksOf);
    expect(blocks.length).toBeGreaterThan(5);
    expect(blocks.filter(({ prints }) => prints).length).toBeGreaterThan(1);
  });

  for (const page of pages) {
    for (const { line, commands, prints } of blocksOf(page)) {
      test(`${page}, line ${line}`, async () => {
        const { stdout } = await run("sh", ["-e", "-c", `${NPX}${commands}`], { cwd: folder });
        expect(stdout.trim()).not.toBe("");
        if (prints !== undefined) expect(`\n${stdout}`).toContain(`\n${prints}`);
      });
    }
  }
});
