// CSV as pagekin writes it, beside what another writer makes of the same cells and another parser reads from it.

import * as fc from "fast-check";
import { parseString, writeToString } from "fast-csv";
import { expect, test } from "vitest";
import { type Column, tableOf } from "../../src/text/write-csv.js";

type Row = readonly string[];

/** A table of text whose first row is its header. */
function textOf([header, ...rows]: readonly (readonly string[])[]): string {
  const columns = header.map((name, i): Column<Row> => [name, (row) => row[i], "text"]);
  return [...tableOf("x.csv", columns, rows).pieces].join("");
}

async function parsed(text: string): Promise<string[][]> {
  const records: string[][] = [];
  for await (const record of parseString(text)) records.push(record);
  return records;
}

const cell = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ",", "\r", "\n", " ", "|", "\0", "\t", "'", ";", "=", "a", "é", "😀") }),
  fc.string({ unit: "binary" }),
);

/** Rows of one width. They begin with a number, since fast-csv's parser drops a blank cell at the start of a line. */
const hostile = fc
  .integer({ min: 0, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 9 }))
  .map((rows) => rows.map((row, i) => [String(i), ...row]));

test("hostile cells are written as fast-csv writes them, and its parser gives them back, but for NUL", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (rows) => {
      const text = textOf(rows);
      expect(text).toBe(await writeToString(rows, { headers: false, includeEndRowDelimiter: true }));
      expect(await parsed(text)).toEqual(rows.map((row) => row.map((value) => value.replaceAll("\0", ""))));
    }),
    { numRuns: 500 },
  );
});

test("a table of many rows comes in pieces, none of which is large, and no row is lost", () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ({ i, name: `row ${i}` }));
  const columns: Column<(typeof rows)[number]>[] = [
    ["number", ({ i }) => i, "number"],
    ["name", ({ name }) => name, "text"],
  ];
  const pieces = [...tableOf("x.csv", columns, rows).pieces];
  expect(pieces.length).toBeGreaterThan(3);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100_000);
  expect(pieces.join("")).toBe(`number,name\n${rows.map(({ i }) => `${i},row ${i}\n`).join("")}`);
});
