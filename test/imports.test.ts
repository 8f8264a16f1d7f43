// Imports go down only and never in a circle, and what is outside is touched in one place each.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/** The folders of src, from the top down: each may import from itself and from those behind it. */
const FOLDERS = [
  "commands",
  "capture",
  "report",
  "library",
  "scenarios",
  "replay",
  "policies",
  "sharing",
  "processes",
  "fingerprints",
  "worlds",
  "traces",
  "spectrum",
  "parquet",
  "sources",
  "dumps",
  "unpack",
  "text",
  "system",
  "core",
];
/** What all may import, and what these import of src: nothing. */
const COMMON = ["errors.ts", "version.ts"];
/** The two doors, and the folders that they may not import from. */
const DOORS: Record<string, string[]> = {
  "main.ts": FOLDERS.slice(1).filter((folder) => folder !== "system" && folder !== "text"),
  "index.ts": ["commands", "report"],
};

/** Files of src by path, with `/`. */
type Sources = Record<string, string>;

function readSources(): Sources {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return Object.fromEntries(
    files.map((file) => [file.replaceAll(path.sep, "/"), readFileSync(path.join(SRC, file), "utf8")]),
  );
}

/** What a file imports, in every form of import there is. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, target]) => target);
}

/** The path in src that a relative import means; undefined for a package. */
function resolve(file: string, target: string): string | undefined {
  if (!target.startsWith(".")) return undefined;
  return path.posix.normalize(path.posix.join(path.posix.dirname(file), target)).replace(/\.js$/, ".ts");
}

const folderOf = (file: string) => (file.includes("/") ? file.split("/")[0] : undefined);

function mayImport(file: string, target: string): boolean {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (COMMON.includes(file)) return false;
  if (to === undefined) return COMMON.includes(target);
  if (from === undefined) return FOLDERS.includes(to) && !DOORS[file]?.includes(to);
  return FOLDERS.includes(from) && FOLDERS.indexOf(from) <= FOLDERS.indexOf(to);
}

/** Why a file may not import a package, if it may not. */
function packageFault(file: string, target: string): string | undefined {
  const folder = folderOf(file);
  if (/^yargs/.test(target) && folder !== "commands" && file !== "main.ts") return "yargs is for the commands";
  if (target.startsWith("node:") && ["replay", "policies", "sharing"].includes(folder ?? ""))
    return `${folder} is pure`;
  return undefined;
}

function faultsOf(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const place = FOLDERS.includes(folderOf(file) ?? "") || COMMON.includes(file) || file in DOORS;
    const unknown = place ? [] : [`${file}: has no place in the order of the folders`];
    const imports = importsOf(text).flatMap((target) => {
      const inside = resolve(file, target);
      if (inside !== undefined) return mayImport(file, inside) ? [] : [`${file} -> ${inside}`];
      const fault = packageFault(file, target);
      return fault ? [`${file} -> ${target}: ${fault}`] : [];
    });
    // Others may hand a compiled module on, which is what its type is for; whoever makes or opens one knows wasm.
    const wasm = folderOf(file) !== "core" && /\bWebAssembly\b(?!\.Module\b)|\bnew\s+WebAssembly\b/.test(text);
    return [...unknown, ...imports, ...(wasm ? [`${file}: WebAssembly is for core`] : [])];
  });
}

/** The files of src that each file imports, in any way. */
function importsInside(sources: Sources): Map<string, string[]> {
  return new Map(
    Object.entries(sources).map(([file, text]) => [
      file,
      importsOf(text).flatMap((target) => resolve(file, target) ?? []),
    ]),
  );
}

/** All that a file needs, its imports' imports too; the file itself only if it is in a circle. */
function neededBy(file: string, imports: Map<string, string[]>): Set<string> {
  const needed = new Set<string>();
  const visit = (from: string) => {
    for (const target of imports.get(from) ?? []) {
      if (needed.has(target)) continue;
      needed.add(target);
      visit(target);
    }
  };
  visit(file);
  return needed;
}

/** Files that need each other: a sorted list for each group of them. Imports of types alone count too. */
function circlesOf(sources: Sources): string[][] {
  const imports = importsInside(sources);
  const needs = new Map([...imports.keys()].map((file) => [file, neededBy(file, imports)]));
  const inCircles = [...needs.keys()].filter((file) => needs.get(file)?.has(file)).sort();
  const circles = inCircles.map((file) =>
    inCircles.filter((other) => needs.get(file)?.has(other) && needs.get(other)?.has(file)),
  );
  // Each file of a circle has found it.
  return circles.filter(([first], i) => first === inCircles[i]);
}

test("no files of pagekin import each other in a circle", () => {
  expect(circlesOf(readSources())).toEqual([]);
});

describe("a circle is found", () => {
  const circles: [what: string, sources: Sources, circle: string[]][] = [
    ["of two files", { "a.ts": 'import "./b.js";', "b.ts": 'import "./a.js";' }, ["a.ts", "b.ts"]],
    [
      "of three in two folders",
      { "x/a.ts": 'import "../y/b.js";', "y/b.ts": 'export * from "./c.js";', "y/c.ts": 'import "../x/a.js";' },
      ["x/a.ts", "y/b.ts", "y/c.ts"],
    ],
    [
      "closed by a type",
      { "a.ts": 'import { b } from "./b.js";', "b.ts": 'import type { A } from "./a.js";' },
      ["a.ts", "b.ts"],
    ],
    [
      "closed while it runs",
      { "a.ts": 'import "./b.js";', "b.ts": 'const a = await import("./a.js");' },
      ["a.ts", "b.ts"],
    ],
    ["of one file", { "a.ts": 'import { b } from "./a.js";' }, ["a.ts"]],
    [
      "behind files that are in none",
      {
        "0.ts": 'import "./a.js";',
        "a.ts": 'import "./b.js";',
        "b.ts": 'import "./a.js"; import "./c.js";',
        "c.ts": "",
      },
      ["a.ts", "b.ts"],
    ],
  ];

  test.for(circles)("%s", ([, sources, circle]) => {
    expect(circlesOf(sources)).toEqual([circle]);
  });

  test("and each of two", () => {
    const two = { "a.ts": 'import "./b.js";', "b.ts": 'import "./a.js"; import "./c.js";', "c.ts": 'import "./d.js";' };
    expect(circlesOf({ ...two, "d.ts": 'import "./c.js";' })).toEqual([
      ["a.ts", "b.ts"],
      ["c.ts", "d.ts"],
    ]);
  });

  test("and none where two import a third", () => {
    const sources = {
      "a.ts": 'import "./b.js"; import "./c.js";',
      "b.ts": 'import "./c.js";',
      "c.ts": 'import "vitest";',
    };
    expect(circlesOf(sources)).toEqual([]);
  });
});

test("the sources of pagekin have no fault", () => {
  const sources = readSources();
  expect(Object.keys(sources)).toContain("main.ts");
  expect(Object.values(sources).flatMap(importsOf).length).toBeGreaterThan(100);
  expect(faultsOf(sources)).toEqual([]);
});

describe("a fault is found", () => {
  const faults: [what: string, file: string, text: string, fault: string][] = [
    ["an import upwards", "core/a.ts", 'import { x } from "../sources/b.js";', "core/a.ts -> sources/b.ts"],
    [
      "a type's import upwards",
      "sources/a.ts",
      'import type { X } from "../report/b.js";',
      "sources/a.ts -> report/b.ts",
    ],
    [
      "from a folder in a folder",
      "sources/f/a.ts",
      'export * from "../../traces/b.js";',
      "sources/f/a.ts -> traces/b.ts",
    ],
    ["while it runs", "sharing/a.ts", 'const b = await import("../report/b.js");', "sharing/a.ts -> report/b.ts"],
    ["in a type", "fingerprints/a.ts", 'type B = import("../sharing/b.js").B;', "fingerprints/a.ts -> sharing/b.ts"],
    ["for its effects", "report/a.ts", "import '../commands/b.js';", "report/a.ts -> commands/b.ts"],
    ["of a door", "commands/a.ts", 'import { analyze } from "../index.js";', "commands/a.ts -> index.ts"],
    ["of a command by the library", "index.ts", 'import "./commands/a.js";', "index.ts -> commands/a.ts"],
    ["of anything by what all import", "errors.ts", 'import "./sources/a.js";', "errors.ts -> sources/a.ts"],
    ["a folder that nobody knows", "other/a.ts", "", "other/a.ts: has no place in the order of the folders"],
    [
      "yargs elsewhere",
      "report/a.ts",
      'import yargs from "yargs/yargs";',
      "report/a.ts -> yargs/yargs: yargs is for the commands",
    ],
    ["a file read by pure code", "sharing/a.ts", 'import "node:fs";', "sharing/a.ts -> node:fs: sharing is pure"],
    [
      "wasm elsewhere",
      "sources/a.ts",
      "new WebAssembly.Memory({ initial: 1 })",
      "sources/a.ts: WebAssembly is for core",
    ],
    ["a module made elsewhere", "report/a.ts", "new WebAssembly.Module(bytes)", "report/a.ts: WebAssembly is for core"],
  ];

  test.for(faults)("%s", ([, file, text, fault]) => {
    expect(faultsOf({ [file]: text })).toEqual([fault]);
  });

  test("and imports downwards are none", () => {
    const good = 'import "../core/b.js"; import "../errors.js"; import { c } from "./c.js"; import fs from "node:fs";';
    expect(faultsOf({ "sources/a.ts": good, "sources/c.ts": "let m: WebAssembly.Module;" })).toEqual([]);
  });
});
