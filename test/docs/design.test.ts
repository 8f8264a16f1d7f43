// docs/design.md against the tree: what it names is there, and every folder of src/ is named.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

/** Paths of a tree from its root; those of folders end in a slash. */
type Tree = ReadonlySet<string>;

function readTree(): Tree {
  const folders = ["src", "assembly", "test", "traces", "docs", "bench"];
  const below = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => path.join(folder, file)),
  );
  const paths = [...folders, ...below, ...readdirSync(root)].filter((file) => existsSync(path.join(root, file)));
  return new Set(paths.map((file) => (statSync(path.join(root, file)).isDirectory() ? `${file}/` : file)));
}

/** The files and folders that a line has in code quotes; a folder ends in a slash. */
function namesIn(line: string): string[] {
  const quoted = [...line.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  return quoted.filter((name) => /^[\w./-]+(\/|\.(ts|mjs|py))$/.test(name));
}

/**
 * What each name of a line is in the tree: from the root, from src/, or in a folder that the line names as well, itself or by
 * a file; undefined: nothing.
 */
function resolved(line: string, tree: Tree): [name: string, place: string | undefined][] {
  const places = new Map<string, string | undefined>();
  const names = namesIn(line);
  const folders = ["", "src/"];
  // Those with a folder come first, as they say where the others are.
  for (const name of [...names.filter((one) => one.slice(0, -1).includes("/")), ...names]) {
    const place = folders.map((folder) => `${folder}${name}`).find((one) => tree.has(one));
    places.set(name, places.get(name) ?? place);
    if (place !== undefined) folders.push(place.slice(0, place.lastIndexOf("/") + 1));
  }
  return [...places];
}

/** What is wrong with a page: names of nothing, by line, and folders of src/ without a name. */
function faultsOf(page: string, tree: Tree): string[] {
  const lines = page.split("\n").map((line) => resolved(line, tree));
  const wrong = lines.flatMap((names, i) =>
    names.flatMap(([name, place]) => (place === undefined ? [`line ${i + 1}: there is no ${name}`] : [])),
  );
  const named = new Set(lines.flat().map(([, place]) => place));
  const missing = [...tree].filter((place) => /^src\/.*\/$/.test(place) && !named.has(place));
  return [...wrong, ...missing.sort().map((folder) => `${folder} is not named`)];
}

test("docs/design.md names files that exist, and every folder of src/", () => {
  expect(faultsOf(readFileSync(path.join(root, "docs/design.md"), "utf8"), readTree())).toEqual([]);
});

describe("of a made tree", () => {
  const tree = new Set([
    "src/",
    "src/main.ts",
    "src/dumps/",
    "src/dumps/layout.ts",
    "src/dumps/formats/",
    "src/dumps/formats/elf.ts",
  ]);

  test.for<[what: string, page: string, faults: string[]]>([
    ["all is named", "`src/main.ts`\n`src/dumps/`, `formats/`", []],
    ["names may begin in src/", "`main.ts`\n`dumps/layout.ts`, `dumps/formats/`, `dumps/`", []],
    ["files of a folder that the line names", "`dumps/`: `layout.ts`, `formats/elf.ts` and `formats/`", []],
    ["what is no name", "`dumps/` and `formats/` beside `dumps/`; `a | b`, `x.csv`, `npm test`", []],
    ["a file that is not there", "`dumps/`, `formats/`\n`src/gone.ts`", ["line 2: there is no src/gone.ts"]],
    ["a file of another folder", "`dumps/`, `formats/`\n`elf.ts`", ["line 2: there is no elf.ts"]],
    ["a folder that is not there", "`dumps/`, `formats/`, `codes/`", ["line 1: there is no codes/"]],
    ["a folder without a name", "`dumps/`", ["src/dumps/formats/ is not named"]],
    ["no folder at all", "", ["src/dumps/ is not named", "src/dumps/formats/ is not named"]],
  ])("%s", ([, page, faults]) => {
    expect(faultsOf(page, tree)).toEqual(faults);
  });
});
