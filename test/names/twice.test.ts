// The same thing twice is an error, or counted once, wherever it stands.

import { linkSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { analyze } from "pagekin";
import { describe, expect } from "vitest";
import { ParquetWriter, TYPE } from "../../src/parquet/write.js";
import { query, quote } from "../support/duckdb.js";
import { inFolder, inside, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused, expectScenarioRefused, expectSourcesRefused, refusalOf } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2]);
const TRACE = "page_bytes,page,fingerprint\n4096,0,00\n4096,1,01\n";

const write = (folder: string, files: Readonly<Record<string, string | Uint8Array>>) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
};

describe("a page of a trace", () => {
  type Listed = { size: number; page: number };
  const writeCsv = (folder: string, listed: readonly Listed[]) => {
    const rows = listed.map(({ size, page }, i) => `${size},${page},${(i % 3).toString(16).padStart(4, "0")}\n`);
    writeFileSync(path.join(folder, "t.csv"), `page_bytes,page,fingerprint\n${rows.join("")}`);
    return "t.csv";
  };
  /** As another program writes it: in this order, in row groups of so many rows. */
  const writeParquet = async (folder: string, listed: readonly Listed[], rowGroup: number, options: string) => {
    const rows = listed.map(({ size, page }, i) => `(${i}, ${size}, ${page})`);
    const columns = [
      ...["'m' AS member", "0::DOUBLE AS time_s", "size::INTEGER AS page_bytes", "page::BIGINT AS page"],
      ...["unhex(md5(page::VARCHAR)) AS fingerprint", "false AS zero"],
    ];
    await query(
      `COPY (SELECT ${columns.join()} FROM (VALUES ${rows.join()}) AS t(i, size, page) ORDER BY i)
       TO ${quote(path.join(folder, "t.parquet"))} (FORMAT parquet, ROW_GROUP_SIZE ${rowGroup}, ${options})`,
    );
    return "t.parquet";
  };
  const isTwice = (listed: readonly Listed[]) =>
    new Set(listed.map(({ size, page }) => `${size} ${page}`)).size < listed.length;

  async function expectJudged(listed: readonly Listed[], file: string, folder: string): Promise<void> {
    const sizes = [...new Set(listed.map(({ size }) => size))];
    const call = () => analyze([file], { pageSizes: sizes, workers: 1 });
    const error = await inside(folder, () => refusalOf(call));
    expect(error?.line.includes("is listed twice") ?? false).toBe(isTwice(listed));
    if (error) {
      const [, page, size] = /page (\d+) of (\d+) bytes/.exec(error.line) ?? [];
      const same = listed.filter((one) => one.page === Number(page) && one.size === Number(size));
      expect(same.length).toBeGreaterThan(1);
    }
  }

  const pages = fc.array(
    fc.record({
      size: fc.constantFrom(4096, 8192),
      page: fc.oneof(fc.nat(30), fc.nat(2 ** 40), fc.constantFrom(2 ** 52, 2 ** 53 - 1)),
    }),
    { minLength: 1, maxLength: 12 },
  );
  const ascending = pages.map((listed) => [...listed].sort((a, b) => a.size - b.size || a.page - b.page));
  const worlds = fc.oneof(pages, ascending);

  test("listed twice is found in CSV traces, in whatever order, and in no other", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, (listed) =>
        inFolder((folder) => expectJudged(listed, writeCsv(folder, listed), folder)),
      ),
      { numRuns: 100 },
    );
  });

  test("listed twice is found in Parquet traces, in whatever order and encoding, also across row groups", async () => {
    await fc.assert(
      fc.asyncProperty(
        worlds,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom("PARQUET_VERSION V1", "PARQUET_VERSION V2", "PARQUET_VERSION V1, CODEC 'uncompressed'"),
        (listed, rowGroup, options) =>
          inFolder(async (folder) =>
            expectJudged(listed, await writeParquet(folder, listed, rowGroup, options), folder),
          ),
      ),
      { numRuns: 100 },
    );
  });

  test("listed twice among many: a trace of pagekin's own, one row more", async ({ folder }) => {
    const dump = Buffer.alloc(4096 * 3000);
    for (let page = 0; page < 3000; page++) dump.writeUInt32LE(page % 700, page * 4096 + 8);
    writeFileSync(path.join(folder, "vm.raw"), dump);
    await succeed(["fingerprint", "vm.raw", "--page-size", "4k", "--out", "t", "--quiet"], { cwd: folder });
    const own = quote(path.join(folder, "t", "vm.parquet"));
    for (const [file, more] of [
      ["good.parquet", "SELECT * FROM"],
      ["twice.parquet", "SELECT * REPLACE (page - 1 AS page) FROM"],
    ]) {
      await query(
        `COPY (SELECT * FROM ${own} UNION ALL ${more} ${own} WHERE page = 2999 AND ${file !== "good.parquet"})
         TO ${quote(path.join(folder, file))} (FORMAT parquet, PARQUET_VERSION V2)`,
      );
    }
    await inside(folder, async () => {
      const [{ sharing }] = await analyze(["good.parquet"]);
      expect(sharing[0].pages).toEqual([3000]);
    });
    await expectSourcesRefused(folder, ["twice.parquet"], [/twice\.parquet: page 2998 of 4096 bytes is listed twice/]);
    write(folder, { "s.yaml": "sources: [twice.parquet]\nuntil: 1s\n" });
    await expectScenarioRefused(folder, "s.yaml", [/page 2998 of 4096 bytes is listed twice/]);
  });

  test("numbers beyond 2^53 are told apart", async ({ folder }) => {
    const trace = (...numbers: string[]) =>
      `page_bytes,page,fingerprint\n${numbers.map((page) => `1024,${page},00\n`).join("")}`;
    write(folder, {
      "a.csv": trace("9007199254740992", "9007199254740993"),
      "b.csv": trace("9007199254740993", "9007199254740993"),
    });
    await inside(folder, async () => {
      const [{ sharing }] = await analyze(["a.csv"]);
      expect(sharing[0].pages).toEqual([2]);
    });
    await expectSourcesRefused(folder, ["b.csv"], [/page 9007199254740993 of 1024 bytes is listed twice/]);
  });
});

describe("a source", () => {
  test("by its path, another path, a symbolic link, a hard link: an error, unless it is given a name", async ({
    folder,
  }) => {
    write(folder, { "a.raw": DUMP });
    symlinkSync("a.raw", path.join(folder, "b.raw"));
    linkSync(path.join(folder, "a.raw"), path.join(folder, "c.raw"));
    for (const other of ["b.raw", "./b.raw", "c.raw", path.join(folder, "c.raw")])
      await expectSourcesRefused(folder, ["a.raw", other], [/is the same file as a\.raw; name it once/]);
    await expectSourcesRefused(folder, ["a.raw", "./a.raw"], [/member a appears twice/]);
    const args = ["analyze", "a.raw", "x=b.raw", "--page-size", "4k", "--out", "o", "--json"];
    const { notes } = JSON.parse(await succeed(args, { cwd: folder }));
    expect(notes).toContainEqual(expect.stringMatching(/^b\.raw: The same file as a\.raw, member a/));
  });

  test("as a part of a split dump, twice", async ({ folder }) => {
    write(folder, { "a.raw": DUMP });
    await expectSourcesRefused(folder, ["a.raw+a.raw"], [/a\.raw/]);
  });
});

describe("refused is", () => {
  const inventories: [what: string, inventory: string, says: RegExp][] = [
    [
      "a member's labels in two rows",
      "member,tenant\na,x\nb,y\na,z\n",
      /i\.csv: line 4: duplicate member a \(also in line 2\)/,
    ],
    ["labels of a member at a time, twice", "member,time_s,tenant\na,0,x\na,0.0,z\n", /line 3: duplicate member a/],
    [
      "a member's labels with its path and without",
      "path,member,tenant\na.raw,,x\n,a,y\n",
      /line 3: duplicate member a/,
    ],
    ["a label", "path,tenant,os,tenant\na.raw,x,y,z\n", /i\.csv: line 1: duplicate column tenant/],
    ["a column", "path,member,path\na.raw,x,a.raw\n", /i\.csv: line 1: duplicate column path/],
    ["a member at one time", "path,member,time_s\na.raw,x,1\na.raw,x,1.0\n", /member x appears twice at time 1/],
  ];

  test.for(inventories)("in an inventory %s", async ([, inventory, says], { folder }) => {
    write(folder, { "a.raw": DUMP, "i.csv": inventory });
    await expectSourcesRefused(folder, ["a=a.raw"], [says], { inventory: "i.csv" });
  });

  test("a column of a CSV trace, and of a Parquet trace", async ({ folder }) => {
    write(folder, { "t.csv": "page_bytes,page,fingerprint,page\n4096,0,00,1\n" });
    await expectSourcesRefused(folder, ["t.csv"], [/t\.csv: line 1: duplicate column page/]);
    const column = { name: "page", type: TYPE.INT64 } as const;
    const place = { path: path.join(folder, "t.parquet"), shownAs: "t.parquet" };
    const parquet = ParquetWriter.create(place, [column, { name: "zero", type: TYPE.BOOLEAN }, column]);
    parquet.finish("trace", "test", {});
    parquet.close();
    await expectSourcesRefused(folder, ["t.parquet"], [/t\.parquet: duplicate column page/]);
  });

  test("a member in a private group's file", async ({ folder }) => {
    write(folder, { "a.csv": TRACE, "p.csv": "member\na\nb\na\n" });
    const args = ["compare", "a.csv", "--policy", "private:p.csv,one-group"];
    await expectRefused(folder, args, [/p\.csv: line 4: member a is named twice/]);
  });

  const scenarios: [what: string, yaml: string, says: RegExp][] = [
    ["a run", "runs: {a: {seed: 1}, a: {seed: 2}}\n", /s\.yaml: line 3, column \d+: .*(unique|duplicate)/],
    ["a run as a number and as a text", 'runs: {1: {seed: 1}, "1": {seed: 2}}\n', /line 3, column 22: duplicate key 1/],
    ["a group", "groups: {a: {weight: 1}, a: {weight: 2}}\n", /line 3, column \d+: .*(unique|duplicate)/],
    ["a key", "seed: 1\nseed: 2\n", /line 4, column 1: .*(unique|duplicate)/],
    ["usage of a member at a time", "usage: u.csv\n", /u\.csv: line 3: a appears twice at time 1/],
    [
      "the name of two runs of vary",
      'vary: {policy: ["x,redistribute=y", x], redistribute: [z, "y,redistribute=z"]}\n',
      /line 3, column 1: two runs have the same name/,
    ],
  ];

  test.for(scenarios)("in a scenario %s", async ([, yaml, says], { folder }) => {
    write(folder, {
      "a.csv": TRACE,
      "u.csv": "time_s,vm,muv_bytes,mup_bytes,muh_rate\n1,a,1,1,0\n1.0,a,2,2,0\n",
      "s.yaml": `sources: [a.csv]\nuntil: 1s\n${yaml}`,
    });
    await expectScenarioRefused(folder, "s.yaml", [says]);
  });
});

test("labels of a member at several times are those of each time", async ({ folder }) => {
  write(folder, {
    "a@0.raw": DUMP,
    "a@5.raw": DUMP,
    "a@9.raw": DUMP,
    "i.csv": "member,time_s,load\na,,idle\na,5,busy\n",
  });
  const args = ["analyze", "a@0.raw", "a@5.raw", "a@9.raw", "--inventory", "i.csv", "--page-size", "4k", "--out", "o"];
  await succeed([...args, "--quiet"], { cwd: folder });
  expect(rowsOf(path.join(folder, "o"), "self.csv").map(({ load }) => load)).toEqual(["idle", "busy", "idle"]);
});

test("a page size twice is one", async ({ folder }) => {
  write(folder, { "a.raw": DUMP });
  await succeed(["analyze", "a.raw", "--page-size", "4k,1k,4096", "--out", "o", "--quiet"], { cwd: folder });
  expect(rowsOf(path.join(folder, "o"), "self.csv").map(({ page_bytes }) => page_bytes)).toEqual(["1024", "4096"]);
});
