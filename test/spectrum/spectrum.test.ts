// There and back: what compare says from a saved spectrum is what it says from the dumps, to the byte.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { cases } from "../support/cases.js";
import { query, quote } from "../support/duckdb.js";
import { makeFolder, removeFolder, tablesIn, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { FIVE_SIZES } from "../support/reference.js";
import { expectSameFromSpectra, resultsIn } from "../support/same-from-spectra.js";
import { expectSpectrum, spectrumIn, spectrumRows } from "../support/spectrum.js";
import { rowsOf, toCsv } from "../support/table.js";
import type { Member } from "../support/twin.js";

const COMPARED = ["groups.csv", "growth.csv", "members.csv", "merges.csv", "policies.csv", "spectrum.parquet"];

/** A page of 4 KiB by number; 0 is zero. */
const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : TINY + 4 * number + i));
const pages = (...numbers: number[]) => dumpOf(numbers.flatMap(page));
/** 16 KiB of pages from a number on. */
const run = (number: number) => [number, number + 1, number + 2, number + 3];

const SMALL = "small";

/** What members with odd names hold at the nth time, and their labels. */
const ODD: { name: string; labels: string[]; dumpAt: (time: number) => Buffer }[] = [
  {
    name: "a,b",
    labels: ["red", "1", "yes", "linux, old"],
    dumpAt: (time) => pages(...run(1), ...run(1), 0, 0, 0, 0, 5, 6, 6, 20 + time),
  },
  {
    name: 'say "hello"',
    labels: ["blue", "", "no", 'a "b"'],
    dumpAt: (time) => pages(0, 0, 0, 0, ...run(1), 6, 6, 6, 30, 31 + time, 5, 0, 0),
  },
  { name: "é ü 日本", labels: ["red", "1", "", "日本"], dumpAt: () => pages(...run(1), ...run(40), 5, 5) },
  {
    name: "__proto__",
    labels: ["constructor", "0", "on", "1"],
    dumpAt: (time) => pages(...run(40), 0, 6, 0, 20 + time),
  },
  {
    name: "one\nmore",
    labels: ["blue", "", "y", "two\nlines"],
    dumpAt: () => pages(...run(1), ...run(40), ...run(40), 30),
  },
  { name: "zero", labels: ["é", "2", "off", "linux, old"], dumpAt: () => pages(0, 0, 0, 0, 0, 0, 0, 0) },
  // Without a whole page of 16 KiB.
  { name: SMALL, labels: ["blue", "", "n", "x"], dumpAt: (time) => pages(5, 20 + time) },
];
const LABEL_NAMES = ["tenant", "salt", "agrees", "os"];
/** Times as the command line and the names of files have them. */
const TIMES = ["0", "0.0000001", "0.5", "15", `1${"0".repeat(24)}`];

/** At each time in another order, and not all of them at each. */
const ODD_WORLDS = TIMES.map((time, number) => ({
  time,
  timeS: Number(time),
  members: [...ODD.slice(number), ...ODD.slice(0, number)]
    .filter((_, i) => i !== 2 * number - 1)
    .map(({ name, labels, dumpAt }): Member => ({ name, labels, dump: dumpAt(number) })),
}));

describe("members with odd names and labels, at several times", () => {
  /** Writes dumps, an inventory and files for policies; gives the sources, the last time first. */
  function write(folder: string): string[] {
    const file = (name: string, header: string, rows: string[][]) =>
      writeFileSync(path.join(folder, name), toCsv(header, rows));
    file(
      "labels.csv",
      `member,${LABEL_NAMES.join()}`,
      ODD.map(({ name, labels }) => [name, ...labels]),
    );
    file(
      "groups.csv",
      "group,member",
      ODD.map(({ name }, i) => [["x", "x, y", "日本"][i % 3], name]),
    );
    file("private.csv", "member", [["zero"], ["one\nmore"], ["nobody"]]);
    return [...ODD_WORLDS].reverse().flatMap(({ time, members }) =>
      members.map(({ name, dump }, i) => {
        const dumpFile = path.join(folder, `dump-${time}-${i}`);
        writeFileSync(dumpFile, dump);
        return `${name}@${time}=${dumpFile}`;
      }),
    );
  }

  const POLICIES = [
    ...["one-group", "per-member", "zero-only", "by:tenant", "by:os", "groups:groups.csv", "opt-in:agrees"],
    ...["private:private.csv,by:tenant", "esx-salting:0", "esx-salting:1", "esx-salting:2", "similar:2", "best:3"],
  ];
  const OPTIONS = [
    ...POLICIES.flatMap((policy) => ["--policy", policy]),
    ...["--add", "a,b", "--add=zero", "--max-page-sharing", "2", "--page-size", "1k,2k,4k,8k,16k"],
  ];

  const settings = [["proportional", "--use-zero-pages", "--tenant-label", "os"], ["shapley"]];
  test.for(settings.slice(0, cases(2)))(
    "give the same from dumps, from traces and from spectra of either command (%s)",
    async ([entitlement, ...more], { folder }) => {
      const sources = write(folder);
      const inventory = ["--inventory", "labels.csv"];
      const succeedIn = (...args: string[]) => succeed([...args, "--quiet"], { cwd: folder });
      const compare = async (out: string, ...args: string[]) => {
        await succeedIn("compare", ...args, ...OPTIONS, "--entitlement", entitlement, ...more, "--out", out);
        return resultsIn(path.join(folder, out));
      };
      const expected = await compare("dumps", ...sources, ...inventory);
      expect(Object.keys(expected).sort()).toEqual([...COMPARED, "marginal.csv"].sort());
      const rows = rowsOf(path.join(folder, "dumps"), "policies.csv").length;
      expect(rows).toBe(TIMES.length * FIVE_SIZES.length * 2 * POLICIES.length);
      await expectSpectrum(path.join(folder, "dumps"), ODD_WORLDS, FIVE_SIZES, LABEL_NAMES);

      await succeedIn("analyze", ...sources, ...inventory, "--out", "analyzed");
      expect(await compare("from-analyze", "analyzed/spectrum.parquet")).toEqual(expected);
      expect(await compare("from-compare", "dumps/spectrum.parquet")).toEqual(expected);
      expect(await compare("from-that", "from-compare/spectrum.parquet", "--workers", "3")).toEqual(expected);

      await succeedIn("fingerprint", ...sources, "--out", "traces");
      // A trace holds the page sizes of which it has pages.
      const traces = sources.map((source) => {
        const [name] = source.split("=");
        return name.startsWith(SMALL) ? source : `traces/${name.replace(/@0$/, "")}.parquet`;
      });
      const limits = ["--workers", "2", "--max-memory", "1m"];
      expect(await compare("from-traces", ...traces, ...inventory, ...limits)).toEqual(expected);
    },
  );

  test("some page sizes of a spectrum with five are what they are when they alone are asked for", async ({
    folder,
  }) => {
    const sources = write(folder);
    const succeedIn = (...args: string[]) => succeed([...args, "--quiet"], { cwd: folder });
    await succeedIn("analyze", ...sources, "--out", "analyzed");
    const options = ["--page-size", "16k,2k", "--policy", "best:2", "--policy", "per-member"];
    await succeedIn("compare", ...sources, ...options, "--out", "dumps");
    await succeedIn("compare", "analyzed/spectrum.parquet", ...options, "--out", "saved");
    expect(resultsIn(path.join(folder, "saved"))).toEqual(resultsIn(path.join(folder, "dumps")));
  });
});

test("any small worlds give the same from dumps and from spectra", () => expectSameFromSpectra(cases(8)));

describe("an inventory beside a spectrum", () => {
  const succeedIn = (folder: string, ...args: string[]) => succeed([...args, "--quiet"], { cwd: folder });
  const inventory = (folder: string, name: string, text: string) => writeFileSync(path.join(folder, name), text);

  /** Three dumps in d/, and a spectrum of them with the labels of first.csv. */
  async function analyze(folder: string): Promise<string[]> {
    mkdirSync(path.join(folder, "d"));
    ["a", "b", "c"].forEach((name, i) => {
      writeFileSync(path.join(folder, "d", `${name}.raw`), pages(1, 2, 3, 10 + i, 0));
    });
    inventory(folder, "first.csv", "member,tenant,os\na,red,x\nb,red,y\nc,blue,z\n");
    const sources = ["d/a.raw", "d/b.raw", "d/c.raw"];
    await succeedIn(folder, "analyze", ...sources, "--inventory", "first.csv", "--out", "saved");
    return sources;
  }

  test.for([
    ["names members", "member,tenant,os\nc,red,x\nb,,z\na,blue,\n"],
    ["names dumps that are gone", "path,tenant,os\nd/a.raw,blue,x\nd/b.raw,blue,z\nd/c.raw,red,y\n"],
    [
      "names dumps and other members for them",
      "path,member,os,tenant\nd/no.raw,a,1,red\nd/c.raw,b,2,green\nd/b.raw,c,3,blue\n",
    ],
  ] as const)("replaces the labels where it %s", async ([, text], { folder }) => {
    const sources = await analyze(folder);
    inventory(folder, "second.csv", text);
    // The same labels, by the names of the members alone.
    const [header, ...rows] = text.trim().split("\n");
    const columns = header.split(",");
    const plain = rows.map((line) => {
      const row = Object.fromEntries(line.split(",").map((value, i) => [columns[i], value]));
      return [row.member ?? path.basename(row.path, ".raw"), row.tenant, row.os].join();
    });
    inventory(folder, "plain.csv", ["member,tenant,os", ...plain, ""].join("\n"));
    const options = ["--policy", "esx-salting:0", "--policy", "one-group", "--tenant-label", "tenant"];
    await succeedIn(folder, "compare", ...sources, "--inventory", "plain.csv", ...options, "--out", "expected");
    rmSync(path.join(folder, "d"), { recursive: true });
    await succeedIn(
      folder,
      "compare",
      "saved/spectrum.parquet",
      "--inventory",
      "second.csv",
      ...options,
      "--out",
      "out",
    );
    expect(tablesIn(path.join(folder, "out"))).toEqual(tablesIn(path.join(folder, "expected")));
    const labels = rowsOf(path.join(folder, "out"), "members.csv").slice(0, 3);
    expect(labels.map(({ member, tenant, os }) => [member, tenant, os].join())).toEqual([...plain].sort());
    // What is saved now has the new labels too.
    await succeedIn(folder, "compare", "out/spectrum.parquet", ...options, "--out", "again");
    expect(resultsIn(path.join(folder, "again"))).toEqual(resultsIn(path.join(folder, "out")));
  });

  test("adds labels that were not saved, and leaves those that it does not have", async ({ folder }) => {
    await analyze(folder);
    inventory(folder, "second.csv", "member,rack,os\na,1,new\nc,2,newer\nnobody,3,none\n");
    const policy = ["--policy", "by:tenant", "--policy", "esx-salting:0"];
    await succeedIn(
      folder,
      "compare",
      "saved/spectrum.parquet",
      "--inventory",
      "second.csv",
      ...policy,
      "--out",
      "out",
    );
    const rows = rowsOf(path.join(folder, "out"), "members.csv").slice(0, 3);
    // A member that the inventory does not name keeps what was saved, and has no value of new labels.
    expect(rows.map(({ member, group, tenant, os, rack }) => [member, group, tenant, os, rack])).toEqual([
      ["a", "red", "red", "new", "1"],
      ["b", "red", "red", "y", ""],
      ["c", "blue", "blue", "newer", "2"],
    ]);
  });

  test("whose labels change with time gives what it gives beside the dumps", async ({ folder }) => {
    ["a", "b"].forEach((name, i) => {
      for (const time of [0, 15]) writeFileSync(path.join(folder, `${name}@${time}.raw`), pages(1, 2, 10 + i + time));
    });
    const rows = ["a@0.raw,a,0,red", "b@0.raw,b,0,red", "a@15.raw,a,15,red", "b@15.raw,b,15,blue"];
    inventory(folder, "i.csv", ["path,member,time_s,tenant", ...rows, ""].join("\n"));
    const options = ["--inventory", "i.csv", "--policy", "by:tenant"];
    await succeedIn(folder, "compare", ...options, "--out", "dumps");
    // Two groups at 15 s, of which the second holds two contents that the first has too.
    const costs = rowsOf(path.join(folder, "dumps"), "policies.csv").map((row) => row.isolation_cost_pages);
    expect(costs).toEqual(["0", "0", "2", "2"]);
    await succeedIn(folder, "compare", "dumps/spectrum.parquet", "--policy", "by:tenant", "--out", "saved");
    expect(resultsIn(path.join(folder, "saved"))).toEqual(resultsIn(path.join(folder, "dumps")));
    await succeedIn(folder, "compare", "dumps/spectrum.parquet", ...options, "--out", "beside");
    expect(resultsIn(path.join(folder, "beside"))).toEqual(resultsIn(path.join(folder, "dumps")));
  });
});

test("more than 256 names, though never so many at one time", async ({ folder }) => {
  const file = (name: string, ...contents: number[]) => {
    writeFileSync(path.join(folder, name), dumpOf(contents.map((content) => TINY + content)));
    return path.join(folder, name);
  };
  const [one, two, own] = [file("one", 1, 1, 2), file("two", 2, 3), file("own", 4)];
  const worlds = [0, 1, 2].map((timeS) => ({
    timeS,
    members: Array.from({ length: 200 }, (_, i) => ({
      name: `m${(timeS * 150 + 7 * i) % 450}`,
      dump: readFileSync([one, two, two, own][i % 4]),
    })),
  }));
  const sources = worlds.flatMap(({ timeS, members }) =>
    members.map(({ name }, i) => `${name}@${timeS}=${[one, two, two, own][i % 4]}`),
  );
  const options = ["--page-size", "1k", "--policy", "one-group", "--policy", "per-member", "--quiet"];
  await succeed(["compare", ...sources, ...options, "--out", path.join(folder, "out")]);
  const out = path.join(folder, "out");
  expect(new Set((await spectrumRows(spectrumIn(out))).flatMap(({ members }) => members)).size).toBeGreaterThan(256);
  await expectSpectrum(out, worlds, [1024]);
  await succeed(["compare", spectrumIn(out), ...options, "--out", path.join(folder, "saved")]);
  expect(resultsIn(path.join(folder, "saved"))).toEqual(resultsIn(out));
});

describe("more vectors than a row group or a window holds, of more than 256 members", () => {
  const MEMBERS = 300;
  const OTHERS = 30;
  /** Held by all members, of whom one has more copies: a vector each, of 300 holders. */
  const COMMON = 3_600;
  /** Held by two members each, of whom the first has some copies: a vector each. */
  const PAIRS = 140_000;
  const ALONE = 10;
  const ZEROS = 5;

  let folder: string;
  let out: string;
  let sources: string[];
  const groups = () => path.join(folder, "groups.csv");
  const options = () => [
    ...["--policy", "one-group", "--policy", "per-member", "--policy", `groups:${groups()}`, "--add", "m7", "--quiet"],
  ];

  beforeAll(async () => {
    folder = makeFolder();
    out = path.join(folder, "out");
    const all = `[${Array.from({ length: MEMBERS }, (_, i) => quote(`m${i}`)).join()}]`;
    // Content: who holds it, and how many copies each of them has.
    await query(`CREATE OR REPLACE TABLE contents AS
      WITH pairs AS (SELECT a.range AS a, b.range AS b FROM range(${MEMBERS}) a, range(${MEMBERS}) b WHERE a.range < b.range),
      numbered AS (SELECT a, b, row_number() OVER (ORDER BY a, b) - 1 AS i, count(*) OVER () AS of FROM pairs),
      levels AS (SELECT a, b, level, level * of + i AS n FROM numbered, range(4) t(level))
      SELECT 0::DOUBLE AS time_s, 'c' || i AS content, ${all} AS members,
             list_transform(range(${MEMBERS}), m -> IF(m = i % ${MEMBERS}, 2 + i // ${MEMBERS}, 1)) AS copies
      FROM range(${COMMON}) t(i)
      UNION ALL SELECT 0, 'p' || n, ['m' || a, 'm' || b], [level + 1, 1] FROM levels WHERE n < ${PAIRS}
      UNION ALL SELECT 0, 'a' || m || ' ' || i, ['m' || m], [1] FROM range(${MEMBERS}) s(m), range(${ALONE}) t(i)
      UNION ALL SELECT 15, 'o' || m, ['o' || m], [2] FROM range(${OTHERS}) t(m)
      UNION ALL SELECT 15, 'c' || i, ['m7', 'o3'], [1, 1] FROM range(${ALONE}) t(i)`);
    await query(`CREATE OR REPLACE TABLE zeros AS
      SELECT 0::DOUBLE AS time_s, 'm' || m AS member, m + 1 AS copies FROM range(${ZEROS}) t(m)`);
    // A file for each trace, and not one for each thread or part.
    await query("SET threads = 1");
    await query("SET partitioned_write_flush_threshold = 10000000");
    await query(`COPY (
      WITH held AS (SELECT time_s, content, unnest(members) AS member, unnest(copies) AS copies FROM contents),
      pages AS (
        SELECT time_s, member, unhex(md5(content)) AS fingerprint, false AS zero FROM held, range(copies)
        UNION ALL SELECT time_s, member, unhex(md5('zero')), true FROM zeros, range(copies))
      SELECT member, member AS "of", time_s, time_s AS "at", 1024::INTEGER AS page_bytes, row_number() OVER () AS page, fingerprint, zero
      FROM pages) TO ${quote(path.join(folder, "traces"))} (FORMAT parquet, PARTITION_BY ("at", "of"))`);
    const trace = (member: string, time: string) =>
      path.join(folder, "traces", `at=${time}.0`, `of=${member}`, "data_0.parquet");
    sources = [
      ...Array.from({ length: MEMBERS }, (_, i) => trace(`m${i}`, "0")),
      ...["m7", ...Array.from({ length: OTHERS }, (_, i) => `o${i}`)].map((member) => trace(member, "15")),
    ];
    const names = [
      ...Array.from({ length: MEMBERS }, (_, i) => `m${i}`),
      ...Array.from({ length: OTHERS }, (_, i) => `o${i}`),
    ];
    writeFileSync(
      groups(),
      toCsv(
        "member,group",
        names.map((name, i) => [name, `g${i % 7}`]),
      ),
    );
    await succeed(["compare", ...sources, ...options(), "--workers", "2", "--out", out]);
  });

  afterAll(() => removeFolder(folder));

  test("are all written, each once", async () => {
    const expected = `SELECT time_s, 1024 AS page_bytes, false AS zero, members, copies, count(*) AS contents FROM contents GROUP BY ALL
      UNION ALL SELECT time_s, 1024, true, list(member ORDER BY copies), list(copies ORDER BY copies), 1 FROM zeros GROUP BY time_s`;
    await query(`CREATE OR REPLACE TABLE expected AS ${expected}`);
    await query(
      `CREATE OR REPLACE TABLE saved AS SELECT * FROM read_parquet(${quote(spectrumIn(out))}, file_row_number = true)`,
    );
    const [rows] = await query(
      "SELECT (SELECT count(*) FROM expected)::INTEGER AS expected, (SELECT count(*) FROM saved)::INTEGER AS saved",
    );
    expect(rows.saved).toBe(rows.expected);
    expect(rows.saved).toBeGreaterThan(COMMON + PAIRS);
    const differs = await query(`SELECT time_s, members, copies, contents FROM expected
      ANTI JOIN saved USING (time_s, page_bytes, zero, members, copies, contents) LIMIT 3`);
    expect(differs).toEqual([]);
  });

  test("are sorted over all row groups", async () => {
    // Sources are numbered as they come: m0 to m299, at 15 s m7 and then the others.
    const number = "list_transform(members, m -> IF(m[1] = 'm', 0, 1000) + m[2:]::INTEGER)";
    const wrong = await query(`SELECT file_row_number FROM (
      SELECT file_row_number, row_number() OVER (ORDER BY time_s, page_bytes, zero, ${number}, copies) - 1 AS place FROM saved)
      WHERE place <> file_row_number LIMIT 3`);
    expect(wrong).toEqual([]);
  });

  test("are in row groups whose statistics are true", async () => {
    const groups = await query(`
      SELECT row_group_id::INTEGER AS id, any_value(row_group_num_rows)::INTEGER AS rows,
             max(stats_min_value) FILTER (path_in_schema = 'time_s')::DOUBLE AS least,
             max(stats_max_value) FILTER (path_in_schema = 'time_s')::DOUBLE AS most
      FROM parquet_metadata(${quote(spectrumIn(out))}) GROUP BY ALL ORDER BY id`);
    expect(groups.length).toBeGreaterThan(2);
    let first = 0;
    for (const { rows, least, most } of groups) {
      expect(rows).toBeLessThanOrEqual(128 * 1024);
      const end = first + Number(rows);
      const [range] = await query(
        `SELECT min(time_s) AS least, max(time_s) AS most FROM saved WHERE file_row_number >= ${first} AND file_row_number < ${end}`,
      );
      expect({ least, most }).toEqual(range);
      first = end;
    }
    const [counted] = await query(
      `SELECT count(*)::INTEGER AS rows FROM ${quote(spectrumIn(out))} WHERE time_s = 15 AND page_bytes = 1024`,
    );
    expect(counted.rows).toBe(OTHERS + 1);
  });

  test("have frames that DuckDB counts", async () => {
    const frames = async (member: string) => {
      const [row] = await query(`SELECT sum(groups)::INTEGER AS frames FROM (
        SELECT len(list_distinct(list_transform(members, m -> ${member}))) AS groups FROM contents WHERE time_s = 0)`);
      return Number(row.frames);
    };
    const rows = rowsOf(out, "policies.csv").filter((row) => row.time_s === "0" && row.zero_pages === "left-out");
    expect(rows.map((row) => Number(row.frames))).toEqual([
      await frames("1"),
      await frames("m"),
      await frames("m[2:]::INTEGER % 7"),
    ]);
  });

  test("give the same when they are read back", async () => {
    const again = path.join(folder, "again");
    await succeed(["compare", spectrumIn(out), ...options(), "--out", again]);
    expect(resultsIn(again)).toEqual(resultsIn(out));
  });
});
