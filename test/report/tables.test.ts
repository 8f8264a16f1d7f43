// The contract of the CSV files: names, columns, order, decimals, quoting.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { tablesIn, test, textsIn } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { FIVE_SIZES } from "../support/reference.js";
import { expectSpectrum } from "../support/spectrum.js";
import { rowsOf } from "../support/table.js";
import { type Member, twinTables } from "../support/twin.js";

const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : TINY + 4 * number + i));
const pages = (...numbers: number[]) => dumpOf(numbers.flatMap(page));

/** Writes dumps under these names; gives their paths. */
function writeAll(folder: string, dumps: Record<string, Buffer>): string[] {
  return Object.entries(dumps).map(([name, dump]) => {
    const file = path.join(folder, name);
    writeFileSync(file, dump);
    return file;
  });
}

test("two members at one page size, written out", async ({ folder }) => {
  const out = path.join(folder, "out");
  // a: zero, zero, 1, 2, 2. b: zero, 2, 3.
  const files = writeAll(folder, { "a.raw": pages(0, 0, 1, 2, 2), "b.raw": pages(0, 2, 3) });
  await succeed(["analyze", ...files, "--page-size", "4k", "--out", out]);
  const { "manifest.json": _manifest, "spectrum.parquet": _spectrum, ...tables } = textsIn(out);
  expect(tables).toEqual({
    "self.csv": `time_s,member,page_bytes,pages,zero_pages,contents,self_saved_pages,self_sharing_rate,zero_saved_pages,nonzero_self_sharing_rate
0,a,4096,5,2,3,2,0.400000,1,0.333333
0,b,4096,3,1,3,0,0.000000,0,0.000000
`,
    "inter.csv": `time_s,page_bytes,members,pages,contents_sum,contents_union,self_saved_pages,inter_saved_pages,self_sharing_rate,inter_sharing_rate,total_sharing_rate,nonzero_inter_sharing_rate,self_share_of_saving
0,4096,2,8,6,4,2,2,0.250000,0.250000,0.500000,0.200000,0.500000
`,
    "pairs.csv": `time_s,page_bytes,member_a,member_b,shared_contents,inter_sharing_rate,nonzero_shared_contents
0,4096,a,b,2,0.250000,1
`,
    "page_sizes.csv": `time_s,member,page_bytes,sharing_rate,normalized_to_4k,all_members
0,a,4096,0.400000,1.000000,false
0,b,4096,0.000000,0.000000,false
0,*,4096,0.500000,1.000000,true
`,
    "copies.csv": `time_s,page_bytes,members,copies,contents
0,4096,1,1,2
0,4096,2,3,2
`,
    "ledger.csv": `time_s,member,source,format,address_space,nonzero_bytes,stored_zero_bytes,elided_zero_bytes,absent_bytes,outside_ram_bytes,repeated_bytes,tail_bytes
0,a,${files[0]},raw,physical,12288,8192,0,0,0,0,0
0,b,${files[1]},raw,physical,8192,4096,0,0,0,0,0
`,
  });
});

test("where 4 KiB is not run, nothing is normalized to it", async ({ folder }) => {
  const out = path.join(folder, "out");
  const [file] = writeAll(folder, { "a.raw": pages(0, 0, 0, 0, 1, 1, 1, 1) });
  await succeed(["analyze", file, "--page-size", "16k,1k", "--out", out]);
  // At 1 KiB: 16 zero pages and four contents in four copies each.
  expect(tablesIn(out)["page_sizes.csv"]).toBe(`time_s,member,page_bytes,sharing_rate,normalized_to_4k,all_members
0,a,1024,0.843750,,false
0,*,1024,0.843750,,true
0,a,16384,0.000000,,false
0,*,16384,0.000000,,true
`);
});

describe("times", () => {
  const times: [text: string, shortest: string][] = [
    ["0", "0"],
    ["15", "15"],
    ["0.005", "0.005"],
    ["7.250", "7.25"],
    ["100.0", "100"],
    ["0.0000001", "0.0000001"],
    ["1000000000000000000000000", "1000000000000000000000000"],
  ];

  test("are the shortest decimals in every table, and rows are sorted by their value", async ({ folder }) => {
    const out = path.join(folder, "out");
    const [file] = writeAll(folder, { dump: pages(1, 1) });
    await succeed(["analyze", ...times.map(([text]) => `vm@${text}=${file}`), "--page-size", "4k", "--out", out]);
    const sorted = times.map(([, shortest]) => shortest).sort((a, b) => Number(a) - Number(b));
    for (const table of ["self.csv", "inter.csv", "copies.csv", "ledger.csv"]) {
      expect(rowsOf(out, table).map(({ time_s }) => time_s)).toEqual(sorted);
    }
    expect(rowsOf(out, "page_sizes.csv").map(({ time_s }) => time_s)).toEqual(sorted.flatMap((time) => [time, time]));
  });

  test("come from the file's name where none is given: NAME@SECONDS before the known extensions", async ({
    folder,
  }) => {
    const out = path.join(folder, "out");
    const files = writeAll(folder, { "vm@0.005.raw": pages(1), "vm@15.dump": pages(2), "vm.raw": pages(3) });
    await succeed(["analyze", ...files, "--page-size", "4k", "--out", out]);
    expect(rowsOf(out, "self.csv").map(({ time_s, member }) => [time_s, member])).toEqual([
      ["0", "vm"],
      ["0.005", "vm"],
      ["15", "vm"],
    ]);
  });
});

test("members come in the order of the sources, not of their names, and odd names are quoted", async ({ folder }) => {
  const out = path.join(folder, "out");
  const names = ["z", "a,b", 'say "hello"', "é ü", " space ", "m"];
  const members: Member[] = names.map((name, i) => ({ name, dump: pages(0, 1, 1 + (i % 2), 10 + i) }));
  const files = members.map(({ name, dump }, i) => {
    const file = path.join(folder, `d${i}`);
    writeFileSync(file, dump);
    return `${name}=${file}`;
  });
  await succeed(["analyze", ...files, "--out", out, "--quiet"]);
  expect(tablesIn(out)).toEqual(twinTables([{ timeS: 0, members }], FIVE_SIZES));
  await expectSpectrum(out, [{ timeS: 0, members }], FIVE_SIZES);
});

test("at a page size without a whole page a member has a row of zeros", async ({ folder }) => {
  const out = path.join(folder, "out");
  const members = [
    { name: "small", dump: pages(5) },
    { name: "large", dump: pages(5, 5, 6, 7) },
  ];
  const files = members.map(({ name, dump }) => writeAll(folder, { [`${name}.raw`]: dump })[0]);
  await succeed(["analyze", ...files, "--out", out, "--quiet"]);
  expect(tablesIn(out)).toEqual(twinTables([{ timeS: 0, members }], FIVE_SIZES));
  await expectSpectrum(out, [{ timeS: 0, members }], FIVE_SIZES);
  expect(rowsOf(out, "self.csv").at(-2)).toEqual({
    time_s: "0",
    member: "small",
    page_bytes: "16384",
    pages: "0",
    zero_pages: "0",
    contents: "0",
    self_saved_pages: "0",
    self_sharing_rate: "0.000000",
    zero_saved_pages: "0",
    nonzero_self_sharing_rate: "0.000000",
  });
});

describe("labels of an inventory", () => {
  test("are appended to self.csv, for members named here or there", async ({ folder }) => {
    const out = path.join(folder, "out");
    mkdirSync(path.join(folder, "dumps"));
    const members: Member[] = [
      { name: "two", dump: pages(1, 2), labels: ["linux", 'a "b", c'] },
      { name: "one", dump: pages(2, 2), labels: ["bsd", ""] },
      { name: "none", dump: pages(3), labels: ["", ""] },
    ];
    writeAll(path.join(folder, "dumps"), { "two.raw": members[0].dump, "first.raw": members[1].dump });
    const [none] = writeAll(folder, { "none.raw": members[2].dump });
    const inventory = path.join(folder, "guests.csv");
    // A row with a path names a source, relative to the inventory; a row without gives labels to a member named elsewhere.
    writeFileSync(inventory, 'path,member,time_s,os,note\n,two,,linux,"a ""b"", c"\ndumps/first.raw,one,0,bsd,\n');
    const two = path.join(folder, "dumps", "two.raw");
    await succeed(["analyze", two, none, "--inventory", inventory, "--page-size", "1k,4k", "--out", out, "--quiet"]);
    // What the command line names comes before what the inventory names.
    const order = [members[0], members[2], members[1]];
    const worlds = [{ timeS: 0, members: order }];
    expect(tablesIn(out)).toEqual(twinTables(worlds, [1024, 4096], ["os", "note"]));
    await expectSpectrum(out, worlds, [1024, 4096], ["os", "note"]);
  });

  test("and sources and times of an inventory alone", async ({ folder }) => {
    const out = path.join(folder, "out");
    writeAll(folder, { "x.raw": pages(1, 1, 2), "y.raw": pages(1) });
    const inventory = path.join(folder, "i.csv");
    writeFileSync(inventory, "path,member,time_s,load\nx.raw,vm,15,busy\ny.raw,vm,0.5,idle\n");
    await succeed(["analyze", "--inventory", inventory, "--page-size", "4k", "--out", out, "--quiet"], { cwd: "/" });
    const snapshot = (dump: Buffer, load: string): Member[] => [{ name: "vm", dump, labels: [load] }];
    const worlds = [
      { timeS: 0.5, members: snapshot(pages(1), "idle") },
      { timeS: 15, members: snapshot(pages(1, 1, 2), "busy") },
    ];
    expect(tablesIn(out)).toEqual(twinTables(worlds, [4096], ["load"]));
    await expectSpectrum(out, worlds, [4096], ["load"]);
  });
});

test("exactly the contract's files are written", async ({ folder }) => {
  const [file] = writeAll(folder, { "a.raw": pages(1) });
  await succeed(["analyze", file, "--page-size", "4k"], { cwd: folder });
  expect(readdirSync(path.join(folder, "pagekin-out", "analyze")).sort()).toEqual([
    "copies.csv",
    "inter.csv",
    "ledger.csv",
    "manifest.json",
    "page_sizes.csv",
    "pairs.csv",
    "self.csv",
    "spectrum.parquet",
  ]);
});
