// Traces as pyarrow writes them: every codec, kind of page and encoding (see pyarrow/make.py), whole and damaged.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { analyze, replay } from "pagekin";
import { expect } from "vitest";
import { test } from "../support/folder.js";
import { expectSourcesRefused } from "../support/refused.js";

const FOLDER = fileURLToPath(new URL("pyarrow", import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".parquet"));

test.for(FILES)("%s is read", async (name) => {
  const [{ world, sharing }] = await analyze([path.join(FOLDER, name)]);
  expect(world.snapshots.map(({ member }) => member)).toEqual(["m"]);
  // Eight contents, one of which is zero.
  expect(sharing).toMatchObject([{ pageBytes: 4096, pages: [24], zeroPages: [3], nonzeroContents: [7] }]);
});

test.for(FILES)("%s is read with its page numbers", async (name, { folder }) => {
  const scenario = path.join(folder, "scenario.yaml");
  writeFileSync(scenario, `sources: [${JSON.stringify(path.join(FOLDER, name))}]\npage_size: 4k\nuntil: rest\n`);
  const [run] = await replay(scenario);
  // Each content is in three pages, of which two are saved.
  expect(run.samples.at(-1)?.groups).toMatchObject([{ pagesShared: 8, pagesSharing: 16 }]);
});

test("a snappy page in which a literal has a negative length is refused at once", async ({ folder }) => {
  const bytes = readFileSync(path.join(FOLDER, "snappy-v1-plain.parquet"));
  // The fingerprints' page begins with its length, 390, and a literal of 22 bytes, which gets one of -5 if it is taken as signed.
  const literal = bytes.indexOf(Buffer.from([0x86, 0x03, 0x54])) + 2;
  expect(literal).toBeGreaterThan(2);
  bytes.set([0xfc, 0xfa, 0xff, 0xff, 0xff], literal);
  writeFileSync(path.join(folder, "bad.parquet"), bytes);
  await expectSourcesRefused(folder, ["bad.parquet"], ["bad.parquet", /column fingerprint/, /damaged/]);
});
