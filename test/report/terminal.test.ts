// Summaries fit the terminal, and their styles and characters follow the environment.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf } from "../support/pieces.js";
import { onTerminal } from "../support/terminal.js";
import { because, has } from "../support/tools.js";

const HAS_SCRIPT = has("script");
const ESCAPES = "\u001b";

const page = (number: number) => [0, 1, 2, 3].map((i) => (number === 0 ? 0 : 4 * number + i));

/** So many members with labels and long names, and a scenario that varies two settings. */
function writeMembers(folder: string, count: number, name = (i: number) => `virtual-machine-of-a-tenant-${i}`): void {
  const rows = Array.from({ length: count }, (_, i) => {
    writeFileSync(path.join(folder, `${i}.raw`), dumpOf([0, 0, 1, 2, 2, 3, 10 + i, 50 + i].flatMap(page)));
    return `${i}.raw,${name(i)},tenant-${i % 3},debian12-amd64,host-${i % 2}`;
  });
  writeFileSync(path.join(folder, "i.csv"), `path,member,tenant,os,host\n${rows.join("\n")}\n`);
  writeFileSync(
    path.join(folder, "s.yaml"),
    "inventory: i.csv\npolicy: by:tenant\nuntil: 4s\nvary: {scanner.pages_to_scan: [2, 4], scanner.sleep_millisecs: [20, 40]}\n",
  );
}

const ALL: Record<string, string[]> = {
  analyze: ["analyze", "--inventory", "i.csv"],
  compare: ["compare", "--inventory", "i.csv", "--policy", "one-group", "--policy", "best:2"],
  "compare --add": [
    "compare",
    "--inventory",
    "i.csv",
    "--policy",
    "by:tenant",
    "--add",
    "virtual-machine-of-a-tenant-1",
  ],
  processes: ["processes", "--inventory", "i.csv", "--min-resident", "4k", "--sample", "1"],
  fingerprint: ["fingerprint", "--inventory", "i.csv"],
  inspect: ["inspect", "0.raw"],
  replay: ["replay", "s.yaml"],
};

/** Whose tables have a line for each member. */
const WITH_NAMES = ["analyze", "processes", "fingerprint"];

const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));
const out = ([command, ...args]: string[]) => [
  ...[command, ...args, "--no-progress"],
  ...(command === "inspect" ? [] : ["--out", "out", "--force"]),
];

describe.skipIf(!HAS_SCRIPT)(`on a terminal${because(HAS_SCRIPT, "script(1) is not installed")}`, () => {
  for (const [name, args] of Object.entries(ALL)) {
    test(`${name} fits 60, 80 and 160 columns`, async ({ folder }) => {
      writeMembers(folder, 5);
      for (const columns of [60, 80, 160]) {
        const shown = await onTerminal(out(args), { cwd: folder, columns, env: { NO_COLOR: "1" } });
        expect(shown).not.toContain(ESCAPES);
        expect(longest(shown), String(columns)).toBeLessThanOrEqual(columns);
        if (columns === 160 && WITH_NAMES.includes(name)) expect(shown).toContain("virtual-machine-of-a-tenant-4");
      }
    });
  }

  test("the matrix of members takes the width that there is", async ({ folder }) => {
    writeMembers(folder, 20, (i) => `m${i}`);
    const at = (columns: number) => onTerminal(out(ALL.analyze), { cwd: folder, columns, env: { NO_COLOR: "1" } });
    expect(await at(60)).toContain("all 190 pairs are in pairs.csv");
    for (const columns of [160, 200]) {
      const shown = await at(columns);
      expect(shown).not.toMatch(/strongest +pairs/);
      // 4 of 16 pages: each pair has the contents 0 to 3 in common.
      const [row] = shown.split("\n").filter((line) => /^ +(1 )?m0 +- /.test(line));
      expect(row.match(/25\.00/g)).toHaveLength(19);
    }
    // Without decimals where two of them would not fit.
    expect((await at(100)).split("\n").some((line) => /^ +1 m0 +-( +25){19}$/.test(line))).toBe(true);
  });

  test("FORCE_COLOR, NO_COLOR and TERM=dumb", async ({ folder }) => {
    writeMembers(folder, 2);
    const shown = (env: Record<string, string>) =>
      onTerminal(["analyze", "--inventory", "i.csv", "--out", "out", "--force"], { cwd: folder, columns: 80, env });
    expect(await shown({})).toContain(ESCAPES);
    expect(await shown({ TERM: "dumb" })).not.toContain(ESCAPES);
    expect(await shown({ TERM: "dumb", FORCE_COLOR: "1" })).toContain(ESCAPES);
    expect(await shown({ NO_COLOR: "1", FORCE_COLOR: "0", TERM: "dumb" })).not.toContain(ESCAPES);
  });
});

test("through a pipe there are escapes only with FORCE_COLOR, and never in JSON", async ({ folder }) => {
  writeMembers(folder, 2);
  const args = ["analyze", "--inventory", "i.csv", "--out", "out"];
  expect(await succeed(args, { cwd: folder })).not.toContain(ESCAPES);
  expect(await succeed(args, { cwd: folder, env: { FORCE_COLOR: "0" } })).not.toContain(ESCAPES);
  expect(await succeed(args, { cwd: folder, env: { FORCE_COLOR: "1" } })).toContain(ESCAPES);
  expect(await succeed([...args, "--json"], { cwd: folder, env: { FORCE_COLOR: "1" } })).not.toContain(ESCAPES);
});

test("summaries are ASCII where the locale is not UTF-8", async ({ folder }) => {
  writeMembers(folder, 3);
  const isAscii = async (args: string[], env: Record<string, string>) => {
    const { code, stdout } = await pagekin(out(args), { cwd: folder, env });
    expect(code).toBe(0);
    return /^[\n\x20-\x7e]*$/.test(stdout);
  };
  for (const args of Object.values(ALL)) expect(await isAscii(args, {})).toBe(true);
  const utf8 = { LANG: "de_DE.UTF-8" };
  expect(await isAscii(ALL.replay, utf8)).toBe(false);
  expect(await isAscii(ALL.replay, { ...utf8, LC_CTYPE: "en_US.utf8", LANG: "C" })).toBe(false);
  expect(await isAscii(ALL.replay, { ...utf8, LC_CTYPE: "C" })).toBe(true);
  expect(await isAscii(ALL.replay, { ...utf8, LC_ALL: "POSIX" })).toBe(true);
  expect(await isAscii(ALL.replay, { ...utf8, LC_ALL: "" })).toBe(false);
});
