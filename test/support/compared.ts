// Three dumps that share some pages, and what policies of compare need beside them.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { dumpOf, TINY } from "./pieces.js";
import { expectRefused } from "./refused.js";
import { run } from "./tools.js";

/** Pages of 4 KiB by number; 0 is zero, equal numbers are equal pages. */
export const pages = (...numbers: number[]) =>
  dumpOf(numbers.flatMap((number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : TINY + 4 * number + i))));
const DUMPS = { a: pages(0, 0, 1, 2, 3, 4), b: pages(0, 1, 2, 3, 5), c: pages(0, 1, 6, 6) };
export const SOURCES = ["a.raw", "b.raw", "c.raw"];

/** Writes the dumps, an inventory of labels, and files for policies. */
export function writeCompared(folder: string): void {
  for (const [name, dump] of Object.entries(DUMPS)) writeFileSync(path.join(folder, `${name}.raw`), dump);
  const texts = {
    "labels.csv": "member,tenant,customer,agreed,some\na,red,x,yes,1\nb,red,y,no,\nc,blue,y,maybe,\n",
    "groups.csv": "member,group\na,one\nb,two\nc,one\n",
    "private.csv": "member\nb\n",
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text);
}

/** Writes what cannot be a file of groups. */
function writeBadGroups(folder: string): void {
  mkdirSync(path.join(folder, "sub"));
  run("mkfifo", path.join(folder, "pipe"));
  const texts = {
    "empty.csv": "",
    "header.csv": "member,group\n",
    "no-member.csv": "vm,group\na,one\nb,two\nc,one\n",
    "hole.csv": "member,group\na,one\nb,\nc,one\n",
    "twice.csv": "member,group\na,one\nb,two\nc,one\nb,two\n",
    "fewer.csv": "member,group\na,one\nb,two\n",
    "more-columns.csv": "member,group\na,one,two\nb,two\nc,one\n",
    "open.csv": 'member,group\na,one\nb,"two\nc,one\n',
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text);
}

/** The dumps are not compared by a policy. */
export async function expectPolicyRefused(folder: string, policy: string, says: RegExp): Promise<void> {
  writeCompared(folder);
  writeBadGroups(folder);
  const options = ["--inventory", "labels.csv", "--policy", "one-group", "--policy", policy];
  await expectRefused(folder, ["compare", ...SOURCES, ...options], [says]);
}
