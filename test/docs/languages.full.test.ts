// The blocks of docs/library.md in JavaScript, Python and R, one after the other in a folder that looks like a clone. Blocks in
// sh are also run by blocks.full.test.ts, those in SQL by test/peers/docs-queries.test.ts.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { because, has } from "../support/tools.js";

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, "../..");
const PAGE = "docs/library.md";
/** What npx does in a clone, for a small part of the time. */
const NPX = `npx() { [ "$1" = pagekin ]; shift; "$NODE" dist/main.js "$@"; }\n`;

function can(program: string, ...args: string[]): boolean {
  try {
    if (has(program)) execFileSync(program, args, { stdio: "ignore" });
    return has(program);
  } catch {
    return false;
  }
}

interface Language {
  /** What runs a block. */
  command(code: string): [program: string, ...args: string[]];
  /** Why it cannot be run here, if it cannot. */
  missing: string | undefined;
}

const HAS_PANDAS = can("python3", "-c", "import matplotlib, pandas");
const LANGUAGES: Record<string, Language> = {
  sh: { command: (code) => ["sh", "-e", "-c", `${NPX}${code}`], missing: undefined },
  js: { command: (code) => [process.execPath, "--input-type=module", "--eval", code], missing: undefined },
  python: {
    command: (code) => ["python3", "-c", code],
    missing: HAS_PANDAS ? undefined : "python3 with pandas and matplotlib is missing",
  },
  r: { command: (code) => ["Rscript", "-e", code], missing: has("Rscript") ? undefined : "Rscript is missing" },
};

const text = readFileSync(path.join(ROOT, PAGE), "utf8");
const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code], i) => ({ i, language, code }));
const here = blocks.filter(({ language }) => language !== "sql");

describe(PAGE, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "pagekin-docs-"));
    const made = ["demo-out", "pagekin-out", ".git"];
    for (const entry of readdirSync(ROOT).filter((name) => !made.includes(name)))
      symlinkSync(path.join(ROOT, entry), path.join(folder, entry));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("has blocks in each language, and in none that nothing runs", () => {
    expect([...new Set(here.map(({ language }) => language))].sort()).toEqual(Object.keys(LANGUAGES).sort());
  });

  for (const { i, language, code } of here) {
    const { command, missing } = LANGUAGES[language];
    test.skipIf(missing !== undefined)(`block ${i + 1}, ${language}${because(!missing, missing ?? "")}`, async () => {
      const [program, ...args] = command(code);
      const env = { ...process.env, NODE: process.execPath, MPLCONFIGDIR: folder };
      const { stdout, stderr } = await run(program, args, { cwd: folder, env });
      expect(stdout.trim()).not.toBe("");
      expect(stderr).toBe("");
    });
  }

  test.skipIf(!HAS_PANDAS)(`the figure is a picture${because(HAS_PANDAS, LANGUAGES.python.missing ?? "")}`, () => {
    const file = path.join(folder, "demo-out/policies.png");
    expect(readFileSync(file).subarray(1, 4).toString()).toBe("PNG");
    expect(statSync(file).size).toBeGreaterThan(5000);
  });
});
