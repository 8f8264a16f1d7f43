// CSV as pagekin writes it, beside what another writer makes of the same cells and another parser reads from it.

import * as fc from "fast-check";
import { parseString, writeToString } from "fast-csv";
import { expect, test } from "vitest";
import { csvRecords } from "../../src/text/parse-csv.js";
import { asData } from "../../src/text/spreadsheet.js";
import { type Column, tableOf } from "../../src/text/write-csv.js";
import { inTable } from "../support/names.js";

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

/** Blanks alone have quotes here, and none from fast-csv, which may lose them again. */
const cell = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom('"', ",", "\r", "\n", " ", "|", "\0", "\t", "'", ";", "=", "a", "é", "😀", "\ufeff"),
    }),
    fc.string({ unit: "binary" }),
  )
  .filter((text) => !/^'*\s+$/.test(text));

/** Rows of one width. They begin with a number, since fast-csv's parser drops a blank cell at the start of a line. */
const hostile = fc
  .integer({ min: 0, max: 5 })
  .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 9 }))
  .map((rows) => rows.map((row, i) => [String(i), ...row]));

test("hostile cells are written as fast-csv writes them, once no spreadsheet would run them", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (rows) => {
      // fast-csv leaves NUL out.
      const text = textOf(rows);
      const safe = rows.map((row) => row.map(inTable));
      const written = await writeToString(safe, { headers: false, includeEndRowDelimiter: true });
      expect(text.replaceAll("\0", "")).toBe(written);
      expect(await parsed(text)).toEqual(safe);
    }),
    { numRuns: 500 },
  );
});

async function read(text: string, size: number): Promise<string[][]> {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const rows: string[][] = [];
  for await (const { cells } of csvRecords(chunks, 10_000)) rows.push(cells.map(asData));
  return rows;
}

test("what is written is read again exactly, in whatever pieces it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      hostile,
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      async (rows, size, end) => {
        expect(await read(textOf(rows), size)).toEqual(rows);
        // Line ends of other systems, where none is in a cell.
        const plain = rows.map((row) => row.map((cell) => cell.replace(/[\r\n]/g, "")));
        expect(await read(textOf(plain).replaceAll("\n", end), size)).toEqual(plain);
      },
    ),
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
