// The keys that docs/json.md has for a command, and those that a command prints.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";

const DOCS = path.resolve(import.meta.dirname, "../../docs/json.md");

/** The paths in the tables of the sections that are about a command, or about all. */
function documentedKeys(command: string): string[] {
  const [, ...sections] = readFileSync(DOCS, "utf8").split(/^## /m);
  const own = sections.filter((section) => {
    const [title] = section.split("\n");
    return title === "All commands" || title.split(", ").includes(command);
  });
  return own.flatMap((section) => [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key));
}

/** The paths of all values that are no objects or arrays themselves, or whose path is a documented one. */
function keysIn(value: unknown, known: ReadonlySet<string>, at = ""): string[] {
  if (known.has(at) || typeof value !== "object" || value === null) return [at];
  if (Array.isArray(value)) return value.length === 0 ? [at] : value.flatMap((one) => keysIn(one, known, `${at}[]`));
  const entries = Object.entries(value);
  return entries.flatMap(([key, one]) => keysIn(one, known, at === "" ? key : `${at}.${key}`));
}

/** That outputs of a command have the documented keys, no other, and altogether each of them; the version first. */
export function expectDocumented(command: string, outputs: readonly string[]): void {
  const documented = documentedKeys(command);
  const known = new Set(documented);
  const printed = outputs.map((text) => JSON.parse(text) as object);
  for (const one of printed) expect(Object.entries(one)[0]).toEqual(["schema", 1]);
  const found = new Set(printed.flatMap((one) => keysIn(one, known)));
  // An empty array or null in place of what has keys of its own.
  const isEmpty = (key: string) => documented.some((one) => one.startsWith(`${key}[]`) || one.startsWith(`${key}.`));
  expect([...found].filter((key) => !known.has(key) && !isEmpty(key))).toEqual([]);
  // An array of texts or numbers may be empty.
  expect(documented.filter((key) => !found.has(key) && !found.has(key.replace(/\[\]$/, "")))).toEqual([]);
  expect(documented.length).toBe(known.size);
}
