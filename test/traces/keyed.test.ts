// Keyed traces: who has the key gets the same tables, who has not cannot tell whether a known page is there.

import { createDecipheriv, hkdfSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { query, quote } from "../support/duckdb.js";
import { tablesIn, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused } from "../support/refused.js";
import { spectrumIn } from "../support/spectrum.js";

const KEY = Buffer.from("sixteen or more bytes, which in earnest are random");
const A = dumpOf([TINY, 0, 0, 0, 0, 0, 0, 0, TINY + 1, TINY + 1, 0, 0, TINY, 0, 0, 0]);
const B = dumpOf([TINY, 0, 0, 0, 0, 0, 0, 0, TINY + 2, 0, TINY, 0, 0, 0, 0, 0]);

/** Writes dumps a and b, and traces of them: plain, with one key, with another. */
async function writeTraces(folder: string): Promise<void> {
  writeFileSync(path.join(folder, "a.raw"), A);
  writeFileSync(path.join(folder, "b.raw"), B);
  writeFileSync(path.join(folder, "key"), KEY);
  writeFileSync(path.join(folder, "other"), Buffer.concat([KEY, Buffer.from("!")]));
  const write = (out: string, ...args: string[]) =>
    succeed(["fingerprint", "a.raw", "b.raw", "--out", out, "--quiet", ...args], { cwd: folder });
  await write("plain");
  await write("keyed", "--key-file", "key");
  await write("otherwise", "--key-file", "other");
}

type Row = Record<string, unknown>;

const rowsOf = (folder: string, trace: string): Promise<Row[]> =>
  query(
    `SELECT page_bytes, page, hex(fingerprint) AS f, zero FROM ${quote(path.join(folder, trace))} ORDER BY page_bytes, page`,
  );

test("give the tables that the dumps give", async ({ folder }) => {
  await writeTraces(folder);
  const tables = async (out: string, ...sources: string[]) => {
    await succeed(["analyze", ...sources, "--out", out, "--quiet"], { cwd: folder });
    const { "ledger.csv": _, ...rest } = tablesIn(path.join(folder, out));
    return { ...rest, spectrum: readFileSync(spectrumIn(path.join(folder, out))).toString("base64") };
  };
  expect(await tables("o1", "keyed/a.parquet", "keyed/b.parquet")).toEqual(await tables("o2", "a.raw", "b.raw"));
});

test("hold each fingerprint as a block of AES-256 under the file's key", async ({ folder }) => {
  await writeTraces(folder);
  const aes = Buffer.from(hkdfSync("sha256", KEY, "", "pagekin fingerprints v1", 32));
  const decrypt = (hex: unknown) => {
    const cipher = createDecipheriv("aes-256-ecb", aes, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(Buffer.from(String(hex), "hex")), cipher.final()]);
  };
  for (const member of ["a", "b"]) {
    const [plain, keyed, otherwise] = await Promise.all(
      ["plain", "keyed", "otherwise"].map((out) => rowsOf(folder, `${out}/${member}.parquet`)),
    );
    expect(keyed.map((row) => ({ ...row, f: decrypt(row.f).toString("hex").toUpperCase() }))).toEqual(plain);
    const all = new Set(plain.map(({ f }) => f));
    for (const rows of [keyed, otherwise]) expect(rows.filter(({ f }) => all.has(f))).toEqual([]);
    expect(keyed.filter(({ f }, i) => f === otherwise[i].f)).toEqual([]);
    expect(readFileSync(path.join(folder, "keyed", `${member}.parquet`)).includes(aes)).toBe(false);
  }
});

describe("are refused", () => {
  const mixed: [what: string, ...sources: string[]][] = [
    ["beside traces without a key", "plain/a.parquet", "keyed/b.parquet"],
    ["beside dumps", "keyed/a.parquet", "b.raw"],
    ["beside traces of another key", "otherwise/a.parquet", "keyed/b.parquet"],
  ];
  test.for(mixed)("%s", async ([, ...sources], { folder }) => {
    await writeTraces(folder);
    await expectRefused(folder, ["analyze", ...sources], [/do not mix/, /key/]);
    await expectRefused(folder, ["compare", ...sources], [/do not mix/, /key/]);
  });
});

describe("a key file is refused", () => {
  const wrong: [what: string, file: string, says: RegExp][] = [
    ["that is not there", "none", /none: no such file/],
    ["that is a folder", ".", /not a key file/],
    ["that is too short to be a secret", "short", /needs 16 bytes or more/],
  ];
  test.for(wrong)("%s", async ([, file, says], { folder }) => {
    writeFileSync(path.join(folder, "a.raw"), A);
    writeFileSync(path.join(folder, "short"), KEY.subarray(0, 15));
    await expectRefused(folder, ["fingerprint", "a.raw", "--key-file", file], [says]);
  });
});
