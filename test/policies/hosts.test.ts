// What policies save on each host: each is a world of its own, whatever members of other hosts hold.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { expect, test as plainTest } from "vitest";
import { compareWorlds, runs } from "../support/compare.js";
import { inFolder, tablesIn, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import type { PolicyWorld } from "../support/policy-twin.js";
import { policyWorlds, range, times, worldOf, writeWorlds } from "../support/policy-worlds.js";
import { expectRefused } from "../support/refused.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";
import { mostSaved } from "../support/twin-groupings.js";

const hostRows = (folder: string, out = "out") => rowsOf(path.join(folder, out), "hosts.csv");

const PAGES = { a: [0, 0, 1, 2], b: [0, 1, 3], c: [1, 2, 3, 4], d: [5, ...times(3, 0)] };
const HOSTS = { a: { host: "rack 1" }, b: { host: "rack 1" }, c: { host: "rack 2" }, d: { host: "rack 2" } };
const WORLD = worldOf(PAGES, HOSTS);

test("a worked example", async ({ folder }) => {
  await compareWorlds(folder, [WORLD], ["one-group", "per-member", "zero-only"], "--host-memory", "64k");
  const rows = hostRows(folder).map((row) => Object.values(row).join());
  expect(rows).toEqual([
    // 0, 1, 2, 3 are left of 7 pages; a alone has 2 and b alone 3, so the mean adds one. 12 pages are free: 12 members that
    // add one page, 3 of 3.5 pages.
    "0,4096,one-group,rack 1,2,7,4,3,16384,12288,2.000000,1.000000,65536,12,3",
    // All contents of one are none of the other's: 6 of 8 pages are left, 3 a member; 10 are free.
    "0,4096,one-group,rack 2,2,8,6,2,24576,8192,3.000000,3.000000,65536,3,2",
    "0,4096,per-member,rack 1,2,7,6,1,24576,4096,3.000000,3.000000,65536,3,2",
    "0,4096,per-member,rack 2,2,8,6,2,24576,8192,3.000000,3.000000,65536,3,2",
    // The zero content is in both of rack 1, so none of the two adds it; on rack 2 d alone has it.
    "0,4096,zero-only,rack 1,2,7,5,2,20480,8192,2.500000,2.000000,65536,5,3",
    "0,4096,zero-only,rack 2,2,8,6,2,24576,8192,3.000000,3.000000,65536,3,2",
  ]);
});

test("without the label all members are on one host, whose memory may be too small", async ({ folder }) => {
  const world = worldOf(PAGES);
  await compareWorlds(folder, [world], ["one-group"], "--host-memory", "20k");
  expect(hostRows(folder).map((row) => Object.values(row).join())).toEqual([
    "0,4096,one-group,all,4,15,6,9,24576,36864,1.500000,0.500000,20480,0,0",
  ]);
  await compareWorlds(folder, [world], ["one-group"]);
  expect(existsSync(path.join(folder, "out", "hosts.csv"))).toBe(false);
});

test("without --host-memory nothing is said of how many fit, nor where the next one adds nothing", async ({
  folder,
}) => {
  await compareWorlds(folder, [WORLD], ["one-group"]);
  for (const { host_bytes, more_members, more_members_unshared } of hostRows(folder))
    expect([host_bytes, more_members, more_members_unshared]).toEqual(["", "", ""]);
  const equal = worldOf({ a: [1, 2], b: [1, 2], c: [1, 2] });
  await compareWorlds(folder, [equal], ["one-group"], "--host-memory", "1m");
  expect(hostRows(folder)).toMatchObject([
    { next_member_frames: "0.000000", more_members: "", more_members_unshared: "127" },
  ]);
});

test("members without a host are in no row, and a note names them", async ({ folder }) => {
  const names = range(1, 9).map((i) => `m${i}`);
  const labels = Object.fromEntries(names.map((name, i) => [name, { host: i < 2 ? "h" : "" }]));
  const world = worldOf(Object.fromEntries(names.map((name, i) => [name, [1, 10 + i]])), labels);
  const args = ["compare", ...writeWorlds(folder, [world]), "--policy", "one-group", "--out", "out"];
  const text = await succeed(args, { cwd: folder });
  expect(text).toContain("Note: hosts.csv leaves out members without a host: m3, m4, m5, m6, m7, 1 more\n");
  expect(hostRows(folder)).toMatchObject([{ host: "h", members: "2", pages: "4", frames: "3" }]);
});

test("a policy that cannot group a host's members has no row there, and a note says why", async ({ folder }) => {
  const world = worldOf({ ...PAGES, e: [7] }, { ...HOSTS, e: { host: "rack 2" } });
  const args = ["compare", ...writeWorlds(folder, [world]), "--policy", "best:3", "--out", "out"];
  const text = await succeed(args, { cwd: folder });
  expect(text).toContain("Note: best:3 has no groups on host rack 1: time 0 has 2 members, too few for 3 groups\n");
  expect(hostRows(folder).map(({ host }) => host)).toEqual(["rack 2"]);
});

test("--json has what hosts.csv has, and the ends of growth.csv", async ({ folder }) => {
  const options = ["--policy", "one-group", "--policy", "zero-only", "--host-memory", "64k", "--json"];
  const json = await succeed(["compare", ...writeWorlds(folder, [WORLD]), ...options, "--out", "out"], { cwd: folder });
  const [counted, leftOut] = JSON.parse(json).comparisons;
  const numbers = (row: Row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Number(value)]));
  const rows = hostRows(folder).map(({ time_s: _, page_bytes: __, policy, host, ...row }) => ({
    policy,
    host,
    ...numbers(row),
  }));
  expect(counted.hosts).toEqual(rows);
  // Contents 0 to 5, of which 4 and 5 are of one member alone; 3, 3, 4 and 2 contents. A page is 0.004096 MB.
  expect(counted.growth).toEqual([
    {
      ...{ members: 1, expected_frames: 3, least_frames: 2, most_frames: 4 },
      ...{ mb_per_further_vm: 0.012288, least_mb_per_further_vm: 0.008192, most_mb_per_further_vm: 0.016384 },
    },
    {
      ...{ members: 4, expected_frames: 6, least_frames: 6, most_frames: 6 },
      ...{ mb_per_further_vm: 0.002048, least_mb_per_further_vm: 0, most_mb_per_further_vm: 0.004096 },
    },
  ]);
  expect([leftOut.hosts, leftOut.growth]).toEqual([[], []]);
});

test("the summary has a line for each host and policy", async ({ folder }) => {
  const args = ["compare", ...writeWorlds(folder, [WORLD]), "--policy", "one-group", "--out", "out"];
  const text = await succeed([...args, "--host-memory", "64k"], { cwd: folder });
  expect(text).toMatch(/ {2}rack 1 +one-group +2 +16 KiB +12 KiB +8 KiB +4 KiB +3 to 12\n/);
  expect(text).toMatch(/one alone +12 KiB +8 KiB +16 KiB\n +as the last of 4 +/);
});

test("the other tables are those without hosts", async ({ folder }) => {
  const policies = ["one-group", "zero-only", "best:2"];
  await compareWorlds(folder, [worldOf(PAGES)], policies, "--add", "b");
  const plain = tablesIn(path.join(folder, "out"));
  await compareWorlds(folder, [worldOf(PAGES)], policies, "--add", "b", "--host-memory", "1g");
  const { "hosts.csv": hosts, ...others } = tablesIn(path.join(folder, "out"));
  expect(others).toEqual(plain);
  expect(hosts).toBeDefined();
  expect(readFileSync(path.join(folder, "out", "hosts.csv"), "utf8")).toMatch(
    /^time_s,page_bytes,policy,host,members,/,
  );
});

plainTest(
  "each host has the rows that it has where there is no other host, and the best grouping of its members",
  async () => {
    const cases = fc
      .tuple(
        fc.integer({ min: 2, max: 7 }).chain((members) => policyWorlds(members)),
        fc.array(fc.constantFrom("h1", "h2"), { minLength: 7, maxLength: 7 }),
      )
      .map(([worlds, hosts]) =>
        worlds.slice(0, 3).map((world) => ({
          ...world,
          members: world.members.map((one, i) => ({ ...one, labels: { ...one.labels, host: hosts[i] } })),
        })),
      );
    await fc.assert(
      fc.asyncProperty(cases, (worlds) =>
        inFolder(async (folder) => {
          const policies = ["one-group", "by:os", "excluded:agreed,by:os", "best:1", "similar:1", "zero-only"];
          await compareWorlds(folder, worlds, policies, "--host-memory", "1m");
          const all = hostRows(folder);
          for (const host of ["h1", "h2"]) {
            const on = (world: PolicyWorld) => ({
              ...world,
              members: world.members.filter(({ labels }) => labels.host === host),
            });
            const own = worlds.map(on).filter(({ members }) => members.length > 0);
            const rows = all.filter((row) => row.host === host);
            if (own.length === 0) {
              expect(rows).toEqual([]);
              continue;
            }
            const { policies: scored } = await compareWorlds(folder, own, policies, "--host-memory", "1m");
            expect(hostRows(folder)).toEqual(rows);
            for (const row of rows) {
              const { time_s, policy } = row;
              const { pages, frames, saved_pages } = onlyRow(scored, { time_s, policy, zero_pages: "counted" });
              expect(row).toMatchObject({ pages, frames, saved_pages });
            }
            for (const world of own) {
              const best = onlyRow(rows, { time_s: String(world.timeS), policy: "best:1" });
              expect(Number(best.saved_pages)).toBe(mostSaved(world, "counted").get(1));
            }
          }
        }),
      ),
      runs(9),
    );
  },
);

test("a memory of nothing, or that is no size, is refused", async ({ folder }) => {
  const sources = writeWorlds(folder, [WORLD]);
  await expectRefused(folder, ["compare", ...sources, "--host-memory", "0"], [/--host-memory is 0/]);
  await expectRefused(folder, ["compare", ...sources, "--host-memory", "much"], [/--host-memory much/]);
});
