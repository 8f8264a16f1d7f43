import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { onlyRow, type Row, rate, rowsOf } from "../support/table.js";

const TRACES = fileURLToPath(new URL("../../traces/", import.meta.url));

interface OracleMember {
  pages: number;
  zero_pages: number;
  distinct: number;
  self_shared: number;
  pages_nz: number;
  self_shared_nz: number;
}

interface OracleSize {
  members: Record<string, OracleMember>;
  set: Record<"pages" | "distinct" | "self_shared" | "inter" | "zero_pages" | "inter_nz", number> & {
    by_members: number[];
  };
  pairs?: Record<string, { inter: number; inter_nz: number }>;
}

/** Counts by page size, made on the dumps by a script that keeps whole pages. */
function oracle(name: string): [pageBytes: string, counts: OracleSize][] {
  return Object.entries(JSON.parse(readFileSync(path.join(TRACES, "oracle", `${name}.json`), "utf8")));
}

function selfFigures(expected: OracleMember): Row {
  return {
    pages: String(expected.pages),
    zero_pages: String(expected.zero_pages),
    contents: String(expected.distinct),
    self_saved_pages: String(expected.self_shared),
    self_sharing_rate: rate(expected.self_shared, expected.pages),
    zero_saved_pages: String(expected.zero_pages - 1),
    nonzero_self_sharing_rate: rate(expected.self_shared_nz, expected.pages_nz),
  };
}

describe.each([
  ["trio", ["1024", "2048", "4096", "8192", "16384"]],
  ["idle6", ["4096"]],
  ["c2", ["4096"]],
  ["processes", ["4096"]],
])("the members of %s have the numbers that were counted on their memory", (name, pageSizes) => {
  const expected = oracle(name);
  const members = Object.keys(expected[0][1].members);

  test(`${members.join(", ")} at ${pageSizes.join(", ")}`, async ({ folder }) => {
    expect(expected.map(([pageBytes]) => pageBytes)).toEqual(pageSizes);
    const out = path.join(folder, "out");
    await succeed(["analyze", ...members.map((member) => path.join(TRACES, `${member}.parquet`)), "--out", out]);
    const [self, inter, pairs, copies] = ["self.csv", "inter.csv", "pairs.csv", "copies.csv"].map((file) =>
      rowsOf(out, file),
    );
    expect(self.map(({ page_bytes, member }) => `${page_bytes} ${member}`)).toEqual(
      pageSizes.flatMap((pageBytes) => members.map((member) => `${pageBytes} ${member}`)),
    );
    for (const [page_bytes, size] of expected) {
      for (const [member, figures] of Object.entries(size.members)) {
        expect(onlyRow(self, { time_s: "0", page_bytes, member })).toMatchObject(selfFigures(figures));
      }
      const { set } = size;
      expect(onlyRow(inter, { time_s: "0", page_bytes })).toMatchObject({
        members: String(members.length),
        pages: String(set.pages),
        contents_union: String(set.distinct),
        self_saved_pages: String(set.self_shared),
        inter_saved_pages: String(set.inter),
        inter_sharing_rate: rate(set.inter, set.pages),
        nonzero_inter_sharing_rate: rate(set.inter_nz, set.pages - set.zero_pages),
        self_share_of_saving: rate(set.self_shared, set.self_shared + set.inter),
      });
      for (const [both, figures] of Object.entries(size.pairs ?? {})) {
        const [member_a, member_b] = both.split("+");
        const pages = size.members[member_a].pages + size.members[member_b].pages;
        expect(onlyRow(pairs, { page_bytes, member_a, member_b })).toMatchObject({
          shared_contents: String(figures.inter),
          inter_sharing_rate: rate(figures.inter, pages),
          nonzero_shared_contents: String(figures.inter_nz),
        });
      }
      const byMembers = members.map((_, i) =>
        copies
          .filter((row) => row.page_bytes === page_bytes && row.members === String(i + 1))
          .reduce((sum, { contents }) => sum + Number(contents), 0),
      );
      expect(byMembers).toEqual(set.by_members);
    }
  });
});

test("the processes share as a private group beside guests", async ({ folder }) => {
  const out = path.join(folder, "out");
  const [[, { members, set }]] = oracle("processes");
  const processes = Object.keys(members);
  const sources = [...processes, "a1", "c2"].map((member) => path.join(TRACES, `${member}.parquet`));
  const policy = `private:${path.join(TRACES, "private.csv")},per-member`;
  await succeed(["compare", ...sources, "--page-size", "4k", "--policy", policy, "--out", out]);
  const groups = rowsOf(out, "groups.csv").filter((row) => row.policy === policy && row.zero_pages === "counted");
  expect(groups.map(({ group }) => group)).toEqual(["private", "a1", "c2"]);
  expect(groups[0]).toMatchObject({
    members: String(processes.length),
    pages: String(set.pages),
    frames: String(set.distinct),
    saved_pages: String(set.pages - set.distinct),
  });
});

test("the inventory of the processes names them as the private group does", async ({ folder }) => {
  const out = path.join(folder, "out");
  await succeed(["analyze", "--inventory", path.join(TRACES, "processes.csv"), "--page-size", "4k", "--out", out]);
  const names = readFileSync(path.join(TRACES, "private.csv"), "utf8").trimEnd().split("\n").slice(1);
  expect(rowsOf(out, "self.csv").map(({ member }) => member)).toEqual(names);
  expect(new Set(rowsOf(out, "ledger.csv").map((row) => row.address_space))).toEqual(new Set(["virtual"]));
});

describe.each(["mr", "kbuild", "fio"])("the snapshots of %s", (member) => {
  test("have a row each, in the order of their times", async ({ folder }) => {
    const out = path.join(folder, "out");
    const [[, { members }]] = oracle(member);
    const snapshots = Object.keys(members);
    // Last things first: rows are sorted by time all the same. The file's name is NAME@SECONDS.
    const sources = snapshots.map((snapshot) => path.join(TRACES, `${snapshot}.parquet`)).reverse();
    await succeed(["analyze", ...sources, "--out", out]);
    const times = snapshots.map((snapshot) => String(Number(snapshot.split("@")[1])));
    expect(times).toEqual(["0", "45", "90", "135"]);
    expect(rowsOf(out, "self.csv")).toEqual(
      snapshots.map((snapshot, i) => ({
        time_s: times[i],
        member,
        page_bytes: "4096",
        ...selfFigures(members[snapshot]),
      })),
    );
    expect(rowsOf(out, "inter.csv").map(({ time_s, members: count }) => [time_s, count])).toEqual(
      times.map((time) => [time, "1"]),
    );
    expect(rowsOf(out, "pairs.csv")).toEqual([]);
  });
});
