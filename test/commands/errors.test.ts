// What the command line makes of each kind of error: the library's line, as other tests ask the library.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { analyze, EXIT, PagekinError, readSpectra, replay } from "pagekin";
import { expect } from "vitest";
import { collidingKibs } from "../support/collision.js";
import { limeFile } from "../support/dumps/lime.js";
import { inside, test } from "../support/folder.js";
import { pagekin } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";

const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2, TINY]);
const FILES: Record<string, string | Uint8Array> = {
  "good.raw": DUMP,
  "empty.raw": "",
  "cut.lime": limeFile([0x1000, DUMP]).subarray(0, -1),
  "cut.gz": gzipSync(DUMP).subarray(0, -10),
  "other.parquet": "PAR1 but no Parquet PAR1",
  "line.csv": "page_bytes,page,fingerprint\n4096,0,00\n4096,x,01\n",
  "inventory.csv": "path,member,time_s\ngood.raw,vm,noon\n",
  "key.yaml": "sources: [good.raw]\nuntill: 1s\n",
  "yaml.yaml": "sources: [good.raw\n",
  "a.raw": collidingKibs()[0],
  "b.raw": collidingKibs()[1],
};

type Kind = [kind: string, command: string[], call: () => Promise<unknown>, line: RegExp];

const KINDS: Kind[] = [
  ["the system's", ["analyze", "none.raw"], () => analyze(["none.raw"]), /^none\.raw: no such file; /],
  ["a folder's", ["analyze", "folder"], () => analyze(["folder"]), /^folder: is a folder; /],
  ["a file's", ["analyze", "empty.raw"], () => analyze(["empty.raw"]), /^empty\.raw: [^:]+; /],
  ["at an offset", ["analyze", "cut.lime"], () => analyze(["cut.lime"]), /^cut\.lime: at 0x20: [^:]+; /],
  ["of a packed file", ["analyze", "cut.gz"], () => analyze(["cut.gz"]), /^cut\.gz: at 0x[0-9a-f]+: /],
  ["at a line", ["analyze", "line.csv"], () => analyze(["line.csv"]), /^line\.csv: line 3: /],
  ["of Parquet", ["compare", "other.parquet"], () => readSpectra("other.parquet"), /^other\.parquet: /],
  [
    "of an inventory",
    ["analyze", "--inventory", "inventory.csv"],
    () => analyze([], { inventory: "inventory.csv" }),
    /^inventory\.csv: line 2: /,
  ],
  ["of a name", ["analyze", "vm@noon=good.raw"], () => analyze(["vm@noon=good.raw"]), /vm@noon=good\.raw/],
  ["at a line and column", ["replay", "key.yaml"], () => replay("key.yaml"), /^key\.yaml: line 2, column 1: /],
  ["of YAML", ["replay", "yaml.yaml"], () => replay("yaml.yaml"), /^yaml\.yaml: line \d+, column \d+: /],
  [
    "a mismatch",
    ["analyze", "a.raw", "b.raw", "--page-size", "1k", "--verify"],
    () => analyze(["a.raw", "b.raw"], { pageSizes: [1024], verify: true }),
    /b\.raw at 0x0 and a\.raw at 0x0/,
  ],
];

test.for(KINDS)("%s: the library's line and exit code", async ([, command, call, line], { folder }) => {
  for (const [name, content] of Object.entries(FILES)) writeFileSync(path.join(folder, name), content);
  mkdirSync(path.join(folder, "folder"));
  const before = readdirSync(folder);
  const error = await inside(folder, () => call().catch((error: unknown) => error));
  if (!(error instanceof PagekinError)) throw error;
  expect(error.line).toMatch(line);
  expect([EXIT.input, EXIT.mismatch]).toContain(error.exitCode);
  expect(await pagekin([...command, "--out", "x/out"], { cwd: folder })).toEqual({
    code: error.exitCode,
    stdout: "",
    stderr: `pagekin: ${error.line}\n`,
  });
  expect(readdirSync(folder)).toEqual(before);
});
