// The parts of a split dump named as one source: the tables of the dump that was not split.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { flattenedOf, inChunks, type KdumpSpec, kdumpOf } from "../support/dumps/kdump.js";
import { limeFile } from "../support/dumps/lime.js";
import { tablesIn, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const PAGE = 4096;
const [A, B, C] = [1, 2, 3].map((seed) => randomBytes(PAGE, seed));
const ZERO = Buffer.alloc(PAGE);
const WHOLE: KdumpSpec = { pages: { 0: A, 1: B, 2: ZERO, 5: "excluded", 6: C, 9: A } };
const partOf = (from: number, to: number) => kdumpOf({ ...WHOLE, part: [from, to] });

/** The tables of a source but for the names of files in them. */
async function tablesOf(folder: string, source: string, ...options: string[]) {
  await succeed(["analyze", source, "--out", "out", "--quiet", ...options], { cwd: folder });
  const out = path.join(folder, "out");
  const ledger = rowsOf(out, "ledger.csv").map(({ source: _source, ...row }) => row);
  return { ...tablesIn(out), ledger };
}

const notesIn = (folder: string): string[] =>
  JSON.parse(readFileSync(path.join(folder, "out/manifest.json"), "utf8")).sources[0].notes ?? [];

describe("parts of a split dump", () => {
  test.for<[what: string, form: (dump: Buffer) => Uint8Array]>([
    ["plain", (dump) => dump],
    ["compressed", (dump) => gzipSync(dump)],
    ["flattened", (dump) => flattenedOf(inChunks(dump, 1000))],
  ])("%s, are the dump", async ([, form], { folder }) => {
    writeFileSync(path.join(folder, "whole"), kdumpOf(WHOLE));
    // One part has no pages at all.
    const parts = [partOf(0, 2), partOf(2, 2), partOf(2, 7), partOf(7, 10)];
    parts.forEach((part, i) => {
      writeFileSync(path.join(folder, `dump${i}`), form(part));
    });
    const whole = await tablesOf(folder, "vm=whole");
    const notes = notesIn(folder);
    expect(await tablesOf(folder, "vm=dump0+dump1+dump2+dump3")).toEqual(whole);
    expect(notesIn(folder)).toEqual(notes);
    expect(notes).toEqual([expect.stringContaining("Left out on purpose")]);
    expect(await tablesOf(folder, "vm=dump3+dump2+dump0", "--verify")).toEqual(whole);
  });

  test("of which one is missing say so, and its pages are absent", async ({ folder }) => {
    writeFileSync(path.join(folder, "dump0"), partOf(0, 2));
    writeFileSync(path.join(folder, "dump2"), partOf(7, 9));
    const said = JSON.parse(await succeed(["inspect", "dump0+dump2", "--json"], { cwd: folder }));
    expect(said.pages).toBe(2);
    expect(said.ledger).toMatchObject({ nonzero_bytes: 2 * PAGE, absent_bytes: 4 * PAGE });
    expect(said.notes).toContain(
      "Parts of the split dump are missing; absent are the addresses 0x2000 to 0x7000, 0x9000 to 0xa000.",
    );
  });

  test("come from an inventory too, and a file whose name has a + is itself", async ({ folder }) => {
    writeFileSync(path.join(folder, "dump0"), partOf(0, 2));
    writeFileSync(path.join(folder, "dump1"), partOf(2, 10));
    writeFileSync(path.join(folder, "inventory.csv"), "path,member\ndump0+dump1,vm\n");
    writeFileSync(path.join(folder, "whole"), kdumpOf(WHOLE));
    const args = ["analyze", "--inventory", path.join(folder, "inventory.csv"), "--out", path.join(folder, "listed")];
    await succeed([...args, "--quiet"]);
    await succeed(["analyze", "vm=whole", "--out", "out", "--quiet"], { cwd: folder });
    const self = (out: string) => readFileSync(path.join(folder, out, "self.csv"), "utf8");
    expect(self("listed")).toBe(self("out"));
    writeFileSync(path.join(folder, "dump0+dump1"), kdumpOf({ pages: { 0: A } }));
    const said = JSON.parse(await succeed(["inspect", "dump0+dump1", "--json"], { cwd: folder }));
    expect(said.pages).toBe(1);
  });

  test.for<[what: string, other: Uint8Array, says: string]>([
    ["a dump that is not split", kdumpOf(WHOLE), "other: is not a part of a split dump;"],
    [
      "a part of a later dump",
      kdumpOf({ ...WHOLE, time: 1, part: [2, 10] }),
      "other: is a part of another dump than dump0;",
    ],
    ["a part that has some of its pages", partOf(1, 10), "other: has pages that dump0 has too;"],
    ["a dump of another format", limeFile([0, A]), "other: is not a part of a split dump;"],
    ["nothing", new Uint8Array(), "other: is empty;"],
  ])("are refused with %s among them", async ([, other, says], { folder }) => {
    writeFileSync(path.join(folder, "dump0"), partOf(0, 2));
    writeFileSync(path.join(folder, "other"), other);
    await expectRefused(folder, ["analyze", "vm=dump0+other"], [says]);
  });

  test("are refused where they are raw, or one of them is damaged, which is named", async ({ folder }) => {
    writeFileSync(path.join(folder, "a.raw"), A);
    writeFileSync(path.join(folder, "b.raw"), B);
    await expectRefused(folder, ["analyze", "vm=a.raw+b.raw"], ["a.raw: is not a part of a split dump;"]);
    writeFileSync(path.join(folder, "dump0"), partOf(0, 2));
    writeFileSync(path.join(folder, "dump1"), partOf(2, 10).subarray(0, -10));
    await expectRefused(folder, ["analyze", "vm=dump0+dump1"], ["dump1: at 0x"]);
  });
});
