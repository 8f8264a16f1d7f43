// What analyze makes of packed dumps.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { analyze } from "pagekin";
import { expect } from "vitest";
import { CONTAINERS, type Container, pack } from "./containers.js";
import { tablesIn } from "./folder.js";
import { succeed } from "./pagekin.js";
import { rowsOf } from "./table.js";
import { HAS_ZSTD, zstd } from "./tools.js";

const SIZES = ["--page-size", "1k,4k"];

/** The tables of one dump called vm, by file or by standard input. */
export async function tablesOf(folder: string, bytes: Buffer, how: "file" | "pipe" | "verify" = "file") {
  const [file, out] = ["dump", "out"].map((name) => path.join(folder, `${how}-${bytes.length}-${name}`));
  writeFileSync(file, bytes);
  const input = how === "pipe" ? { input: bytes } : {};
  const source = how === "pipe" ? "vm=-" : `vm=${file}`;
  const options = how === "verify" ? ["--verify"] : [];
  await succeed(["analyze", source, ...SIZES, ...options, "--out", out, "--quiet"], {
    ...input,
    env: { TMPDIR: folder },
  });
  const { "ledger.csv": _ledger, ...tables } = tablesIn(out);
  return { tables, ledger: rowsOf(out, "ledger.csv").map(({ source: _source, ...rest }) => rest) };
}

/** A dump that its tool packed, also in a second container of each kind, gives the tables of the dump. */
export async function expectUnpacked(folder: string, name: Container["name"], dump: Buffer): Promise<void> {
  const packed = pack(name, dump);
  const others = CONTAINERS.filter((other) => other.installed).map((other) => pack(other.name, packed));
  const twofold = [gzipSync(packed), ...others, pack(name, gzipSync(dump, { level: 1 }))];
  if (HAS_ZSTD) twofold.push(zstd(packed), pack(name, zstd(dump)));

  const plain = await tablesOf(folder, dump);
  for (const how of ["file", "pipe"] as const) expect(await tablesOf(folder, packed, how)).toEqual(plain);
  expect(await tablesOf(folder, twofold[0], "pipe")).toEqual(plain);

  const counts = await countsOf(folder, dump);
  for (const bytes of twofold) expect(await countsOf(folder, bytes)).toEqual(counts);
}

/** What the library counts in one dump. */
export async function countsOf(folder: string, bytes: Uint8Array): Promise<unknown> {
  const vm = path.join(folder, "vm");
  writeFileSync(vm, bytes);
  const [{ sharing, found }] = await analyze([vm], { pageSizes: [1024, 4096], workers: 1 });
  return { sharing, ledgers: found.map(({ ledger }) => ledger) };
}
