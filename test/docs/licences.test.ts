// Every notice in the code of a bundled package is in THIRD-PARTY-LICENSES.txt.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const plain = (text: string) => text.replace(/[\s*/]+/g, " ").trim();
const TEXT = readFileSync(path.join(ROOT, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");

/** The sections of the file, by the package that each is about. */
const SECTIONS = new Map(
  TEXT.split(/^-{80}$/m).map((section) => {
    const [, name = "", version = ""] = /^\s*(\S+) (\S+) \(/.exec(section) ?? [];
    return [name, { version, text: plain(section) }];
  }),
);

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => !file.split(path.sep).includes("node_modules"))
    .map((file) => path.join(folder, file));

/** The packages that src imports. */
function imported(): string[] {
  const files = filesIn(path.join(ROOT, "src")).filter((file) => file.endsWith(".ts"));
  const targets = files.flatMap((file) =>
    [
      ...readFileSync(file, "utf8").matchAll(
        /^(?:import|export) (?!type\b)[^;]*?from "([^".][^"]*)"|import\("([^".][^"]*)"\)/gm,
      ),
    ].map(([, a, b]) => a ?? b),
  );
  const packages = targets
    .filter((target) => !target.startsWith("node:"))
    .map((target) => (/^(@[^/]+\/)?[^/]+/.exec(target) ?? [""])[0]);
  return [...new Set(packages)].sort();
}

test("all packages that are imported have a section, with the version that is installed", () => {
  const packages = imported();
  expect(packages).toContain("hyparquet");
  for (const name of packages) {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, "node_modules", name, "package.json"), "utf8"));
    expect(SECTIONS.get(name)?.version, name).toBe(version);
  }
});

/** What a line says of whose something is; a year or a name follows. */
const COPYRIGHT = /copyright (?:\(c\) |© )?(?:\d{4}|[A-Z][a-z]+ [A-Z]).*/gi;

describe("copyright lines of the code of", () => {
  test.for([...SECTIONS.keys()])("%s are in its section", (name) => {
    const folder = path.join(ROOT, "node_modules", name);
    expect(existsSync(folder)).toBe(true);
    const code = filesIn(folder).filter((file) => /\.(?:[cm]?js)$/.test(file) && !/\.min\./.test(file));
    const lines = code.flatMap((file) => readFileSync(file, "utf8").match(COPYRIGHT) ?? []);
    for (const line of lines) expect(SECTIONS.get(name)?.text).toContain(plain(line));
  });
});

test("code that hyparquet has from snappyjs is named", () => {
  expect(SECTIONS.get("hyparquet")?.text).toContain("Copyright (c) 2016 Zhipeng Jia");
  expect(SECTIONS.get("hyparquet-writer")?.text).toContain("Copyright (c) 2016 Zhipeng Jia");
});
