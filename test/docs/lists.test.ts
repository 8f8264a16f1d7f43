// Lists of the docs that would otherwise fall behind what they list.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { FORMAT_NAMES } from "../../src/dumps/formats/registry.js";
import { TRACE_FORMATS } from "../../src/sources/trace-formats.js";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

test("README's table of pages has each page of docs/ once", () => {
  const listed = [...read("README.md").matchAll(/^\| \[(docs\/\S+)\]\((\S+)\) \|/gm)];
  for (const [, text, target] of listed) expect(target).toBe(text);
  expect(listed.map(([, page]) => page).sort()).toEqual(
    readdirSync(path.join(root, "docs"))
      .map((file) => `docs/${file}`)
      .sort(),
  );
});

test("docs/formats.md has a row for each format that --format takes, and one on what it lacks", () => {
  const [formats, lacks] = read("docs/formats.md").split("## What a dump holds").map(rowNames);
  expect(formats).toEqual([...FORMAT_NAMES, ...TRACE_FORMATS].sort());
  expect(lacks.filter((name) => FORMAT_NAMES.includes(name))).toEqual([...FORMAT_NAMES].sort());
});

/** The names in code at the beginning of a table's rows, each once. */
function rowNames(text: string): string[] {
  const cells = [...text.matchAll(/^\| ((?:`\w[\w-]*`(?:, )?)+)/gm)].map(([, cell]) => cell);
  return [...new Set(cells.flatMap((cell) => [...cell.matchAll(/`(\w[\w-]*)`/g)].map(([, name]) => name)))].sort();
}

/** The packages that a file's lines install. */
function installedBy(file: string): string[] {
  const lines = [...read(file).matchAll(/apt-get install (?:-\S+ )*([a-z0-9 -]+)/g)];
  return lines.flatMap(([, packages]) => packages.trim().split(" ")).sort();
}

test("CONTRIBUTING has the tools that .ci/run installs", () => {
  expect(installedBy("CONTRIBUTING.md").length).toBeGreaterThan(3);
  expect(installedBy("CONTRIBUTING.md")).toEqual(installedBy(".ci/run"));
});

test("CONTRIBUTING has a line for each way to run tests", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  for (const script of Object.keys(scripts).filter((name) => name.startsWith("test:")))
    expect(read("CONTRIBUTING.md")).toMatch(new RegExp(`^npm run ${script} +#`, "m"));
});
