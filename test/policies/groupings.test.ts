// Who is in which group under each policy, and what the groups are called.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test as plainTest } from "vitest";
import { compareWorlds, type Tables } from "../support/compare.js";
import { makeFolder, removeFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import type { Group } from "../support/policy-twin.js";
import { groupsIn, worldOf, writeWorlds } from "../support/policy-worlds.js";
import { expectRefused } from "../support/refused.js";
import { onlyRow, rowsOf } from "../support/table.js";

const WORLD = worldOf(
  {
    web1: [0, 0, 1, 2, 30, 10],
    web2: [0, 1, 2, 3, 11],
    web3: [0, 1, 2, 3, 12],
    db: [0, 20, 21, 22, 3],
    mail: [0, 20, 21, 22, 1],
    lone: [20, 30],
  },
  {
    web1: { os: "linux", tenant: "acme", salt: "s1", agreed: "Yes" },
    web2: { os: "linux", tenant: "acme", salt: "", agreed: "no" },
    web3: { os: "linux", tenant: "acme", salt: "s1", agreed: "" },
    // A salt that is also what a member is called.
    db: { os: "bsd", tenant: "bolt", salt: "web2", agreed: "on" },
    mail: { os: "bsd", tenant: "bolt", salt: "0", agreed: "FALSE" },
    lone: { os: "plan 9", tenant: "", salt: "", agreed: "0" },
  },
);

const FILES: Record<string, string> = {
  "groups.csv": 'group,member\nred,lone\n"blue, dark",web3\nred,web1\nred,mail\n1,web2\nred,nobody\n"blue, dark",db\n',
  "np.csv": "member,why\nmail,x\nnobody,\nweb1,y\n",
  "all.csv": "member\nweb1\nweb2\nweb3\ndb\nmail\nlone\n",
  "none.csv": "member\nnobody\n",
};

function writeFiles(folder: string): string[] {
  for (const [file, text] of Object.entries(FILES)) writeFileSync(path.join(folder, file), text);
  return writeWorlds(folder, [WORLD]);
}

/** A policy, and the groups it makes: their names and members. Zero pages make no difference to any. */
const POLICIES: [policy: string, groups: [name: string, members: string][]][] = [
  ["one-group", [["all", "web1 web2 web3 db mail lone"]]],
  ["zero-only", [["all", "web1 web2 web3 db mail lone"]]],
  [
    "per-member",
    [
      ["web1", "web1"],
      ["web2", "web2"],
      ["web3", "web3"],
      ["db", "db"],
      ["mail", "mail"],
      ["lone", "lone"],
    ],
  ],
  [
    "by:os",
    [
      ["linux", "web1 web2 web3"],
      ["bsd", "db mail"],
      ["plan 9", "lone"],
    ],
  ],
  [
    "groups:groups.csv",
    [
      ["red", "web1 mail lone"],
      ["1", "web2"],
      ["blue, dark", "web3 db"],
    ],
  ],
  ["esx-salting:0", [["all", "web1 web2 web3 db mail lone"]]],
  // Without a salt it is 0.
  [
    "esx-salting:1",
    [
      ["s1", "web1 web3"],
      ["0", "web2 mail lone"],
      ["web2", "db"],
    ],
  ],
  // All that agree are together, the others with their tenant, if they have one.
  [
    "opt-in:agreed",
    [
      ["Yes", "web1 db"],
      ["acme", "web2 web3"],
      ["bolt", "mail"],
      ["lone", "lone"],
    ],
  ],
  [
    "private:np.csv,by:os",
    [
      ["private", "web1 mail"],
      ["linux", "web2 web3"],
      ["bsd", "db"],
      ["plan 9", "lone"],
    ],
  ],
  [
    "excluded:agreed",
    [
      ["excluded", "web1 db"],
      ["all", "web2 web3 mail lone"],
    ],
  ],
  [
    "excluded:agreed,private:np.csv,by:os",
    [
      ["excluded", "web1 db"],
      ["linux", "web2 web3"],
      ["private", "mail"],
      ["plan 9", "lone"],
    ],
  ],
  // web2 and web3 have four contents in common (three without zero), db two with them, lone one with db.
  [
    "private:np.csv,similar:2",
    [
      ["private", "web1 mail"],
      ["1", "web2 web3 db"],
      ["2", "lone"],
    ],
  ],
  ["private:all.csv,per-member", [["private", "web1 web2 web3 db mail lone"]]],
  ["private:all.csv,best:2", [["private", "web1 web2 web3 db mail lone"]]],
  ["private:none.csv,one-group", [["all", "web1 web2 web3 db mail lone"]]],
  // web2 with web3, then db with mail, then web1 with the first two.
  [
    "similar:3",
    [
      ["1", "web1 web2 web3"],
      ["2", "db mail"],
      ["3", "lone"],
    ],
  ],
  // Two members at most in a group: 4 + 4 + 1 contents are recovered, 3 + 3 + 1 without zero.
  [
    "best",
    [
      ["1", "web1 lone"],
      ["2", "web2 web3"],
      ["3", "db mail"],
    ],
  ],
];

const asGroups = (groups: readonly [string, string][]): Group[] =>
  groups.map(([name, members]) => ({ name, members: members.split(" ") }));

describe("the groups of", () => {
  let folder: string;
  let runs: Tables[];

  beforeAll(async () => {
    folder = makeFolder();
    writeFiles(folder);
    const others = POLICIES.map(([policy]) => policy).filter((policy) => policy !== "best");
    runs = [
      await compareWorlds(folder, [WORLD], ["esx-salting:2", ...others]),
      // `similar` would keep to the limit too.
      await compareWorlds(folder, [WORLD], ["best"], "--max-group", "2"),
    ];
  });

  afterAll(() => removeFolder(folder));

  const rowsFor = (table: keyof Tables, policy: string, zeroPages = "counted") =>
    runs.flatMap((tables) => tables[table]).filter((row) => row.policy === policy && row.zero_pages === zeroPages);

  plainTest.each(POLICIES)("%s", (policy, groups) => {
    for (const zeroPages of ["counted", "left-out"]) {
      expect(groupsIn(rowsFor("members", policy, zeroPages), WORLD, zeroPages, policy)).toEqual(asGroups(groups));
      expect(rowsFor("groups", policy, zeroPages).map(({ group, members }) => [group, members])).toEqual(
        groups.map(([name, members]) => [name, String(members.split(" ").length)]),
      );
      expect(onlyRow(rowsFor("policies", policy, zeroPages), {}).groups).toBe(String(groups.length));
    }
  });

  plainTest("esx-salting:2, where who has no salt is alone, even if its name is a salt", () => {
    expect(rowsFor("groups", "esx-salting:2").map(({ group, members }) => [group, members])).toEqual([
      ["s1", "2"],
      ["web2", "1"],
      ["web2", "1"],
      ["0", "1"],
      ["lone", "1"],
    ]);
    expect(rowsFor("members", "esx-salting:2").map(({ member, group }) => [member, group])).toEqual([
      ["web1", "s1"],
      ["web2", "web2"],
      ["web3", "s1"],
      ["db", "web2"],
      ["mail", "0"],
      ["lone", "lone"],
    ]);
  });

  plainTest("zero-only are none: six zero pages keep one frame, and every other page its own", () => {
    expect(onlyRow(rowsFor("policies", "zero-only"), {})).toEqual({
      time_s: "0",
      page_bytes: "4096",
      zero_pages: "counted",
      policy: "zero-only",
      groups: "1",
      pages: "28",
      frames: "23",
      saved_pages: "5",
      // There are eleven contents.
      isolation_cost_pages: "12",
      isolation_cost_bytes: String(12 * 4096),
      isolation_cost_rate: (12 / 17).toFixed(6),
      // acme and bolt have zero pages.
      exposed_contents: "1",
      exposed_pages: "6",
      exposed_pairs: "1",
      dominated: expect.any(String),
      exposed_by_two: "1",
      most_saved_pages: "",
    });
    expect(onlyRow(rowsFor("policies", "zero-only", "left-out"), {})).toMatchObject({
      ...{ groups: "1", pages: "22", frames: "22", saved_pages: "0", isolation_cost_pages: "12" },
      ...{ isolation_cost_rate: "1.000000", exposed_contents: "0", exposed_pages: "0", exposed_pairs: "0" },
    });
    expect(rowsFor("members", "zero-only").map((row) => [row.member, row.entitlement_pages])).toEqual([
      ["web1", "1.800000"],
      ["web2", "0.800000"],
      ["web3", "0.800000"],
      ["db", "0.800000"],
      ["mail", "0.800000"],
      ["lone", "0.000000"],
    ]);
    expect(rowsFor("merges", "zero-only")).toEqual([]);
  });
});

test("who has not agreed and has no tenant stays alone, even if its name is somebody's tenant", async ({ folder }) => {
  const labels = { a: { tenant: "b", agreed: "no" }, b: { tenant: "", agreed: "no" }, c: { tenant: "b", agreed: "" } };
  const { groups } = await compareWorlds(folder, [worldOf({ a: [1], b: [1], c: [1] }, labels)], ["opt-in:agreed"]);
  const counted = groups.filter(({ zero_pages }) => zero_pages === "counted");
  expect(counted.map(({ group, members }) => [group, members])).toEqual([
    ["b", "2"],
    ["b", "1"],
  ]);
});

test("without tenants who has not agreed is alone, and members that the inventory does not name have no label", async ({
  folder,
}) => {
  const world = worldOf({ a: [1], b: [1], c: [1], d: [1] });
  writeFileSync(path.join(folder, "i.csv"), "member,agreed,salt\nb,n,\nd,1,x\nelsewhere,y,\n");
  const policies = ["opt-in:agreed", "esx-salting:1", "esx-salting:2"];
  const { members } = await compareWorlds(folder, [world], policies, "--inventory", "i.csv");
  expect(policies.map((policy) => groupsIn(members, world, "counted", policy))).toEqual([
    asGroups([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
      ["1", "d"],
    ]),
    asGroups([
      ["0", "a b c"],
      ["x", "d"],
    ]),
    asGroups([
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
      ["x", "d"],
    ]),
  ]);
});

test("where there are no salts at all, all have the salt 0 in mode 1, and none in mode 2", async ({ folder }) => {
  const world = worldOf({ a: [1], b: [1] });
  const policies = ["esx-salting:1", "esx-salting:2"];
  const { members } = await compareWorlds(folder, [world], policies);
  expect(policies.map((policy) => groupsIn(members, world, "counted", policy))).toEqual([
    asGroups([["0", "a b"]]),
    asGroups([
      ["a", "a"],
      ["b", "b"],
    ]),
  ]);
});

test("a relative file is looked for in the current folder, not where the inventory is", async ({ folder }) => {
  writeFiles(folder);
  writeFileSync(path.join(folder, "one.csv"), "member,group\nlone,g\n");
  const policies = ["--policy", "groups:one.csv", "--policy", "private:np.csv,one-group"];
  const lone = [path.join(folder, "lone@0.csv"), "--inventory", path.join(folder, "labels.csv")];
  await expectRefused(folder, ["compare", ...lone, ...policies], ["one.csv", /no such file/], { cwd: "/" });
  await succeed(["compare", ...lone, ...policies, "--out", "out", "--quiet"], { cwd: folder });
  expect(rowsOf(path.join(folder, "out"), "groups.csv").map(({ group }) => group)).toEqual(["g", "all", "g", "all"]);
});

test("without --policy they are one group, each member, zero only, and each tenant if there are tenants", async ({
  folder,
}) => {
  const pages = { a: [1], b: [1] };
  const policiesWith = async (label: string) => {
    const { policies } = await compareWorlds(
      folder,
      [worldOf(pages, { a: { [label]: "x" }, b: { [label]: "y" } })],
      [],
    );
    return policies.filter(({ zero_pages }) => zero_pages === "counted").map(({ policy }) => policy);
  };
  const plain = ["one-group", "per-member", "zero-only"];
  expect(await policiesWith("os")).toEqual(plain);
  expect(await policiesWith("tenant")).toEqual([...plain, "by:tenant"]);
});

describe("refused is", () => {
  const wrong: [what: string, args: string[], says: (string | RegExp)[]][] = [
    ["a policy that there is not", ["--policy", "by-tenant"], [/unknown policy by-tenant; did you mean by:tenant\?/]],
    ["a policy without what it needs", ["--policy", "by:"], [/unknown policy by:; did you mean by:LABEL\?/]],
    ["a policy twice", ["--policy", "by:os", "--policy", "one-group", "--policy", "by:os"], [/by:os is given twice/]],
    ["a label that nobody has", ["--policy", "by:node"], [/label node/, /os, tenant, salt, agreed/]],
    ["a member without a value of the label", ["--policy", "by:tenant"], [/member lone has no label tenant/]],
    ["a file that leaves a member out", ["--policy", "groups:few.csv"], ["few.csv", /member db/]],
    ["a file that names a member twice", ["--policy", "groups:twice.csv"], ["twice.csv", /web1 is named twice/]],
    ["a file without the column", ["--policy", "groups:np.csv"], ["np.csv", /group/]],
    ["a file that is not there", ["--policy", "groups:nowhere.csv"], ["nowhere.csv", /no such file/]],
    ["a mode that ESXi has not", ["--policy", "esx-salting:3"], [/0, 1 and 2/]],
    ["a label that says neither yes nor no", ["--policy", "opt-in:os"], [/member web1 has linux/, /yes or no/]],
    ["no groups", ["--policy", "similar:0"], [/similar:0/]],
    ["a number that is none", ["--policy", "best:two"], [/best:two/]],
    ["best without any limit", ["--policy", "best"], [/--max-group/]],
    ["more groups than members", ["--policy", "best:7"], [/6 members, too few for 7 groups/]],
    ["more groups than members, by likeness", ["--policy", "similar:7"], [/6 members, too few for 7 groups/]],
    ["more groups than members that are left", ["--policy", "private:np.csv,similar:5"], [/too few for 5 groups/]],
    ["a private group with nothing behind it", ["--policy", "private:np.csv"], [/private:FILE,POLICY/]],
    ["a private group before zero-only", ["--policy", "private:np.csv,zero-only"], [/zero-only cannot stand behind/]],
    [
      "a private group before another",
      ["--policy", "private:np.csv,private:all.csv,one-group"],
      [/cannot stand behind a private group/],
    ],
    [
      "an excluded label that says neither yes nor no",
      ["--policy", "excluded:os"],
      [/member web1 has linux/, /yes or no/],
    ],
    ["an excluded label that nobody has", ["--policy", "excluded:ksm,by:os"], [/no member has a label ksm/]],
    ["nothing behind excluded", ["--policy", "excluded:agreed,"], [/unknown policy/]],
    [
      "zero-only behind excluded",
      ["--policy", "excluded:agreed,zero-only"],
      [/zero-only cannot stand behind excluded/],
    ],
    [
      "excluded behind a private group",
      ["--policy", "private:np.csv,excluded:agreed"],
      [/write excluded:LABEL,private:FILE,POLICY/],
    ],
    ["a tenant label that nobody has", ["--tenant-label", "node"], [/label node/]],
    ["a member to add that is not there", ["--add", "web9"], [/--add names unknown member web9/]],
    ["a member to add twice", ["--add", "web2", "--add", "web2"], [/--add names web2 twice/]],
    ["limits that bind no policy", ["--policy", "by:os", "--apart", "web1,db"], [/--apart binds similar and best/]],
    ["one member alone together", ["--policy", "best:2", "--together", "web1"], [/--together web1 names one member/]],
    [
      "somebody apart who is not there",
      ["--policy", "best:2", "--apart", "web1,web9"],
      [/--apart names unknown member web9/],
    ],
    [
      "two together and apart",
      ["--policy", "best:2", "--together", "web1,db", "--together", "db,lone", "--apart", "lone,web1"],
      [/together and apart/],
    ],
    [
      "more together than a group may have",
      ["--policy", "similar:2", "--together", "web1,db", "--together", "db,lone", "--max-group", "2"],
      [/--together asks for more than 2/],
    ],
    ["fewer groups than there are apart", ["--policy", "best:2", "--apart", "web1,db,lone"], [/into 2 groups/]],
    [
      "the same by likeness",
      ["--policy", "similar:2", "--apart", "web1,db,lone"],
      [/there is no grouping into 2 groups/],
    ],
    ["groups too small", ["--policy", "best:2", "--max-group", "2"], [/2 groups of at most 2 members/]],
    [
      "more groups than there are together",
      ["--policy", "similar:6", "--together", "web1,db"],
      [/fewer than 6 groups/],
    ],
    ["a frame that serves one page", ["--max-page-sharing", "1"], [/--max-page-sharing/]],
  ];

  test.for(wrong)("%s", async ([, args, says], { folder }) => {
    const sources = writeFiles(folder);
    writeFileSync(path.join(folder, "few.csv"), "member,group\nweb1,a\nweb2,a\nweb3,a\nmail,a\nlone,a\n");
    writeFileSync(path.join(folder, "twice.csv"), `${FILES["groups.csv"]}red,web1\n`);
    await expectRefused(folder, ["compare", ...sources, ...args], says);
  });
});
