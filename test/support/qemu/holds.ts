// Whether pagekin finds in dumps the very pages that are in them: by traces, extents, ledgers and tables.

import path from "node:path";
import { expect } from "vitest";
import { query, quote } from "../duckdb.js";
import { succeed } from "../pagekin.js";
import type { ReferencePage } from "../reference.js";
import { onlyRow, type Row, rowsOf } from "../table.js";
import type { Form, Pages } from "./forms.js";

const PAGE = 4096;
const SIZES = [1024, PAGE, 16384];

export async function expectHeld(folder: string, forms: readonly Form[]): Promise<void> {
  const sources = forms.map(({ file }) => `${file}=${file}`);
  const run = (...args: string[]) => succeed([...args, "--quiet", "--force"], { cwd: folder });
  await run("fingerprint", ...sources, "--page-size", "4k", "--out", "traces");
  await run("analyze", ...sources, "--page-size", SIZES.map(String).join(), "--out", "out");
  const [self, ledger] = ["self.csv", "ledger.csv"].map((table) => rowsOf(path.join(folder, "out"), table));
  for (const { file, pages, ...form } of forms) {
    const trace = await pagesOfTrace(path.join(folder, "traces", `${file}.parquet`));
    expect({ file, ...difference(trace, pages) }).toEqual({ file, missing: [], unexpected: [], different: [] });
    const { extents } = JSON.parse(await succeed(["inspect", file, "--json"], { cwd: folder }));
    expect({ file, extents }).toEqual({ file, extents: extentsOf([...pages.keys()]) });
    expect({ file, ...inBytes(onlyRow(ledger, { member: file })) }).toEqual({ file, ...ledgerOf(pages, form) });
    expect(onlyRow(self, { member: file, page_bytes: "4096" })).toMatchObject(countsOf(pages));
  }
  for (const form of forms) {
    const [like] = forms.filter(({ pages }) => pages === form.pages);
    for (const size of SIZES) {
      const [row, first] = [form, like].map(({ file }) => onlyRow(self, { member: file, page_bytes: String(size) }));
      expect(row).toEqual({ ...first, member: form.file });
    }
  }
}

/** The pages of 4 KiB of a trace. */
async function pagesOfTrace(file: string): Promise<Pages> {
  const rows = await query(
    `SELECT page::INTEGER AS page, lower(hex(fingerprint)) AS fingerprint, zero FROM ${quote(file)}`,
  );
  return new Map(rows.map(({ page, ...found }) => [Number(page), found as unknown as ReferencePage]));
}

/** Page numbers, as ranges. */
function difference(found: Pages, expected: Pages) {
  const missing = [...expected.keys()].filter((page) => !found.has(page));
  const unexpected = [...found.keys()].filter((page) => !expected.has(page));
  const different = [...expected].filter(([page, { fingerprint, zero }]) => {
    const other = found.get(page);
    return other && (other.fingerprint !== fingerprint || other.zero !== zero);
  });
  const ranges = (pages: number[]) => extentsOf(pages).map(({ address, bytes }) => [address / PAGE, bytes / PAGE]);
  return {
    missing: ranges(missing),
    unexpected: ranges(unexpected),
    different: ranges(different.map(([page]) => page)),
  };
}

function extentsOf(pages: readonly number[]): { address: number; bytes: number }[] {
  const extents: { address: number; bytes: number }[] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = extents.at(-1);
    if (last && last.address + last.bytes === page * PAGE) last.bytes += PAGE;
    else extents.push({ address: page * PAGE, bytes: PAGE });
  }
  return extents;
}

function inBytes(row: Row): Record<string, number> {
  const columns = Object.entries(row).filter(([column]) => column.endsWith("_bytes"));
  return Object.fromEntries(columns.map(([column, text]) => [column, Number(text)]));
}

function ledgerOf(pages: Pages, { absent = 0, elides, outside, repeated }: Omit<Form, "file" | "pages">) {
  const zeros = [...pages.values()].filter(({ zero }) => zero).length * PAGE;
  return {
    nonzero_bytes: pages.size * PAGE - zeros,
    stored_zero_bytes: elides ? 0 : zeros,
    elided_zero_bytes: elides ? zeros : 0,
    absent_bytes: absent,
    outside_ram_bytes: outside,
    repeated_bytes: repeated ?? expect.any(Number),
    tail_bytes: 0,
  };
}

/** As self.csv has them. */
export function countsOf(pages: Pages): Row {
  const all = [...pages.values()];
  return {
    pages: String(all.length),
    zero_pages: String(all.filter(({ zero }) => zero).length),
    contents: String(new Set(all.map(({ fingerprint }) => fingerprint)).size),
  };
}
