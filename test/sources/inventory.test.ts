// Inventories: CSV files that name sources, members, times and labels.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2]);

/** Writes dumps and an inventory; gives time, member and labels of the rows that come out. */
async function rowsWith(folder: string, inventory: string, files: string[], ...sources: string[]): Promise<string[][]> {
  for (const file of files) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), DUMP);
  }
  writeFileSync(path.join(folder, "i.csv"), inventory);
  const args = ["analyze", ...sources, "--inventory", "i.csv", "--page-size", "4k", "--out", "out", "--quiet"];
  await succeed(args, { cwd: folder });
  return rowsOf(path.join(folder, "out"), "self.csv").map((row) => {
    const { time_s, member, ...rest } = row;
    return [time_s, member, ...Object.values(rest).slice(8)];
  });
}

test("name and time that the inventory leaves out come from the file's name", async ({ folder }) => {
  const inventory = "path,member,time_s,os\na@5.raw,,,x\nb@5.raw,named,,y\nc@5.raw,,7.5,z\n";
  expect(await rowsWith(folder, inventory, ["a@5.raw", "b@5.raw", "c@5.raw"])).toEqual([
    ["5", "a", "x"],
    ["5", "named", "y"],
    ["7.5", "c", "z"],
  ]);
});

test("paths start at the inventory's folder, wherever pagekin is run; an absolute path is itself", async ({
  folder,
}) => {
  mkdirSync(path.join(folder, "lists", "dumps"), { recursive: true });
  for (const file of ["lists/dumps/a.raw", "b.raw"]) writeFileSync(path.join(folder, file), DUMP);
  const inventory = path.join(folder, "lists", "i.csv");
  writeFileSync(inventory, `path,member\ndumps/a.raw,\n${path.join(folder, "b.raw")},\n../b.raw,c\n`);
  const out = path.join(folder, "out");
  await succeed(["analyze", "--inventory", inventory, "--page-size", "4k", "--out", out, "--quiet"], { cwd: "/" });
  expect(rowsOf(out, "self.csv").map(({ member, pages }) => [member, pages])).toEqual([
    ["a", "1"],
    ["b", "1"],
    ["c", "1"],
  ]);
});

test("labels are found by member, also for what the command line names, and columns may be in any order", async ({
  folder,
}) => {
  const inventory = 'os,member,load\nlinux,a,"idle, mostly"\nbsd,b,\nplan9,elsewhere,busy\n';
  const rows = await rowsWith(folder, inventory, ["a.raw", "x.raw"], "a.raw", "b@3=x.raw", "c=x.raw");
  expect(rows).toEqual([
    ["0", "a", "linux", "idle, mostly"],
    ["0", "c", "", ""],
    ["3", "b", "bsd", ""],
  ]);
});

test("quotes, a byte order mark and lines that end in CR LF are read", async ({ folder }) => {
  const inventory = '\ufeff"path","member","time_s","os"\r\n"a.raw","x ""y"", z",15,"l"\r\n';
  expect(await rowsWith(folder, inventory, ["a.raw"])).toEqual([["15", 'x "y", z', "l"]]);
});

describe("refused is", () => {
  const wrong: [what: string, inventory: string, says: RegExp[]][] = [
    ["a time that is none", "path,time_s\na.raw,0\na.raw,noon\n", [/i\.csv: line 3/, /noon/]],
    ["a row with neither path nor member", "path,member,os\na.raw,a,x\n,,y\n", [/i\.csv: line 3/]],
    ["a file that is not there", "path\nnone.raw\n", [/none\.raw/, /no such file/]],
    ["an inventory without rows", "path,member\n", [/i\.csv/, /no rows/]],
    ["an empty inventory", "", [/i\.csv/, /no rows/]],
    ["a row with too many cells", "path,member\na.raw,a,b,c\n", [/i\.csv/]],
    ["a label with the name of a column", "path,pages\na.raw,x\n", [/i\.csv/, /no label can be called pages/]],
    ["a member twice at one time", "path,member\na.raw,x\na.raw,x\n", [/member x appears twice/]],
  ];

  test.for(wrong)("%s", async ([, inventory, says], { folder }) => {
    writeFileSync(path.join(folder, "a.raw"), DUMP);
    writeFileSync(path.join(folder, "i.csv"), inventory);
    await expectSourcesRefused(folder, [], says, { inventory: "i.csv" });
  });

  test("an inventory that is not there, or a folder", async ({ folder }) => {
    await expectSourcesRefused(folder, [], ["none.csv", /no such file/], { inventory: "none.csv" });
    mkdirSync(path.join(folder, "lists"));
    await expectSourcesRefused(folder, [], ["lists", /is a folder/], { inventory: "lists" });
  });
});
