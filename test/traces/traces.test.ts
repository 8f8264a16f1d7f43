import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";
import { expectRefused, expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";

const DUMP = dumpOf([TINY, 0, TINY + 1, TINY + 2, TINY]);

describe("page sizes", () => {
  test("that a trace lacks are an error that names those it has", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    await succeed(["fingerprint", "vm.raw", "--page-size", "1k,4k", "--out", "traces", "--quiet"], { cwd: folder });
    const args = ["analyze", "traces/vm.parquet", "--page-size", "2k,4k"];
    await expectRefused(folder, args, ["traces/vm.parquet", "2048", /it has 1024, 4096/]);
  });

  test("are by default those that all traces hold, also for the dumps beside them", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    const sizes = { a: "1k,2k,4k", b: "4k,2k,8k" };
    for (const [name, list] of Object.entries(sizes)) {
      await succeed(["fingerprint", `${name}=vm.raw`, "--page-size", list, "--out", name, "--quiet"], { cwd: folder });
    }
    await succeed(["analyze", "a/a.parquet", "b/b.parquet", "vm.raw", "--out", "out", "--quiet"], { cwd: folder });
    const rows = rowsOf(path.join(folder, "out"), "self.csv");
    expect(rows.map(({ page_bytes, member }) => `${page_bytes} ${member}`)).toEqual(
      ["2048", "4096"].flatMap((size) => ["a", "b", "vm"].map((member) => `${size} ${member}`)),
    );
  });

  test("none in common is an error that names those of each", async ({ folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    for (const [name, size] of [
      ["a", "1k"],
      ["b", "4k"],
    ]) {
      await succeed(["fingerprint", `${name}=vm.raw`, "--page-size", size, "--out", name, "--quiet"], { cwd: folder });
    }
    await expectSourcesRefused(
      folder,
      ["a/a.parquet", "b/b.parquet"],
      [/in common/, /a\.parquet: 1024/, /b\.parquet: 4096/],
    );
  });
});

test("a trace's file is named after its member, and its time where that is not 0", async ({ folder }) => {
  writeFileSync(path.join(folder, "x"), DUMP);
  await succeed(["fingerprint", "vm=x", "vm@15=x", "vm@0.005=x", "a b@0=x", "--out", "out", "--quiet"], {
    cwd: folder,
  });
  const expected = ["a b.parquet", "manifest.json", "vm.parquet", "vm@0.005.parquet", "vm@15.parquet"];
  expect(readdirSync(path.join(folder, "out")).sort()).toEqual(expected);
});

test("what a file's name cannot have is written as in a URL, and a long one is cut", async ({ folder }) => {
  writeFileSync(path.join(folder, "x"), DUMP);
  const members = ["a/b", "..", ".hidden", "a\\b", "é".repeat(200)];
  writeFileSync(path.join(folder, "i.csv"), `path,member\n${members.map((member) => `x,${member}\n`).join("")}`);
  await succeed(["fingerprint", "--inventory", "i.csv", "--out", "out", "--quiet"], { cwd: folder });
  const hash = createHash("sha256").update("é".repeat(200)).digest("hex").slice(0, 16);
  const names = ["%2E.", "%2Ehidden", "a%2Fb", "a%5Cb", `${"é".repeat(80)}~${hash}`].map((name) => `${name}.parquet`);
  expect(readdirSync(path.join(folder, "out")).sort()).toEqual([...names, "manifest.json"].sort());
});

test("two members whose traces would have one name are an error", async ({ folder }) => {
  writeFileSync(path.join(folder, "x"), DUMP);
  // Member vm@5 at time 0, and member vm at time 5.
  await expectRefused(folder, ["fingerprint", "vm@5@0=x", "vm@5=x"], [/vm@5/]);
});

describe("traces of dumps without a whole page of some sizes give what the dumps give", () => {
  /** Sizes in KiB: without a whole page of 2, 4, 16, none, and some. */
  const KIBS = [1, 3, 10, 16, 17, 400];
  const NAMES = KIBS.map((kib) => `m${kib}`);

  async function writeBoth(folder: string): Promise<void> {
    for (const kib of KIBS) writeFileSync(path.join(folder, `m${kib}.raw`), randomBytes(kib * 1024, kib));
    const dumps = NAMES.map((name) => `${name}.raw`);
    await succeed(["fingerprint", ...dumps, "--out", "traces", "--quiet"], { cwd: folder });
  }

  const dumps = (names: readonly string[]) => names.map((name) => `${name}.raw`);
  const traces = (names: readonly string[]) => names.map((name) => `traces/${name}.parquet`);

  /** The tables of a command, or the error without the name of a file. */
  async function resultOf(folder: string, args: string[]): Promise<unknown> {
    const { code, stderr } = await pagekin([...args, "--out", "out", "--quiet"], { cwd: folder });
    if (code !== 0) return stderr.replace(/(traces\/)?(m\d+)\.(raw|parquet)/, "$2");
    const { "ledger.csv": _ledger, "manifest.json": _manifest, ...tables } = textsIn(path.join(folder, "out"));
    return tables;
  }

  test("together, at all sizes", async ({ folder }) => {
    await writeBoth(folder);
    for (const command of [["analyze"], ["compare", "--page-size", "1k,2k,4k,8k,16k"]]) {
      const ofDumps = await resultOf(folder, [...command, ...dumps(NAMES)]);
      expect(ofDumps).toHaveProperty("spectrum.parquet");
      expect(await resultOf(folder, [...command, ...traces(NAMES)])).toEqual(ofDumps);
    }
  });

  test.for(NAMES)("%s alone, at each size", async (name, { folder }) => {
    await writeBoth(folder);
    for (const size of ["1k", "2k", "4k", "8k", "16k"]) {
      const args = ["analyze", "--page-size", size];
      expect(await resultOf(folder, [...args, ...traces([name])])).toEqual(
        await resultOf(folder, [...args, ...dumps([name])]),
      );
    }
  });

  test("in a replay and among processes", async ({ folder }) => {
    await writeBoth(folder);
    for (const size of ["1k", "16k"]) {
      const write = (sources: string[]) =>
        writeFileSync(path.join(folder, "s.yaml"), JSON.stringify({ sources, page_size: size, until: "1s" }));
      write(dumps(NAMES));
      const ofDumps = await resultOf(folder, ["replay", "s.yaml"]);
      write(traces(NAMES));
      expect(await resultOf(folder, ["replay", "s.yaml"])).toEqual(ofDumps);
    }
    const processes = ["processes", "--min-resident", "4k", "--sample", "1"];
    expect(await resultOf(folder, [...processes, ...traces(NAMES)])).toEqual(
      await resultOf(folder, [...processes, ...dumps(NAMES)]),
    );
  });
});
