// Each command is killed at every system call by which its results come to their folder. Whenever that is, the folder holds
// old files or new ones, never both; a manifest is only there when all its files are; and the same command again gives the
// whole new results and leaves nothing else.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { CAN_TRACE, callsBeforeSync, disturbedAt, slowed } from "../support/strace.js";
import { because } from "../support/tools.js";

const MINUTE = 60_000;

/** The calls that change what is on the disk: a run that is killed at any other leaves what one killed at the next of these leaves. */
const CALLS = ["openat", "write", "fsync", "mkdir", "rename", "unlink", "rmdir"];

const AB = ["a.raw", "b.raw"];
const POLICIES = ["--policy", "one-group", "--policy", "per-member"];

/** What is killed, and what has left its results in the folder before: the same or another command. */
const COMMANDS: [name: string, args: string[], before: string[]][] = [
  ["analyze", ["analyze", ...AB], ["compare", "old.raw", ...POLICIES]],
  ["compare", ["compare", ...AB, ...POLICIES], ["compare", "old.raw", ...POLICIES, "--page-size", "1k"]],
  ["replay", ["replay", "scenario.yaml"], ["analyze", "old.raw"]],
  ["processes", ["processes", ...AB, "--min-resident", "4k"], ["processes", "old.raw", "--min-resident", "4k"]],
  ["fingerprint", ["fingerprint", ...AB], ["fingerprint", "a=old.raw", "old.raw"]],
];

function writeInputs(folder: string): void {
  writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, 0, TINY, 1, 2, 3, 4]));
  writeFileSync(path.join(folder, "b.raw"), dumpOf([TINY, TINY, TINY, TINY, 1, 2, 3, 4]));
  writeFileSync(path.join(folder, "old.raw"), dumpOf([5, 6, 7, 8]));
  writeFileSync(path.join(folder, "scenario.yaml"), "sources: [a.raw, b.raw]\npolicy: one-group\nuntil: 1s\n");
}

interface Killed {
  args: readonly string[];
  /** Fills the folder `in` as it was before the run. */
  restore(): void;
  /** Looks at what a run that was killed has left. */
  expectWholeOrGone(): void;
  /** Looks at what a run that ended well has left. */
  expectComplete(): void;
}

/** Kills a run at every call from its first sync to its end, and repeats it each time; gives how often it was killed. */
async function killEverywhere(
  folder: string,
  { args, restore, expectWholeOrGone, expectComplete }: Killed,
): Promise<number> {
  restore();
  const begun = await callsBeforeSync(CALLS, args, folder);
  expectComplete();
  let kills = 0;
  for (const call of CALLS) {
    for (let n = Math.max(1, begun[call]); ; n++) {
      restore();
      const { code, stderr } = await disturbedAt([call, n], "signal=SIGKILL", args, folder);
      if (code !== undefined) {
        // There was no such call any more.
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expectComplete();
        break;
      }
      kills++;
      expectWholeOrGone();
      await succeed(args, { cwd: folder });
      expectComplete();
      expect(readdirSync(path.join(folder, "in"))).toEqual(["out"]);
    }
  }
  return kills;
}

const MANIFEST = "manifest.json";

/** The visible files of a folder. */
function filesIn(folder: string): Map<string, Buffer> {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
  return new Map(names.map((name) => [name, readFileSync(path.join(folder, name))]));
}

/** What a command leaves in a folder that is empty, or a copy of another one. */
async function resultsOf(
  folder: string,
  args: readonly string[],
  name: string,
  copied?: string,
): Promise<Map<string, Buffer>> {
  if (copied !== undefined) cpSync(path.join(folder, copied), path.join(folder, name), { recursive: true });
  await succeed([...args, "--out", name, "--quiet"], { cwd: folder });
  return filesIn(path.join(folder, name));
}

/** Whether a folder holds nothing but what another one holds, the manifests apart. */
const isPartOf = (files: Map<string, Buffer>, whole: Map<string, Buffer>) =>
  [...files].every(([name, bytes]) => whole.get(name)?.equals(bytes) || (name === MANIFEST && whole.has(name)));

const isWhole = (files: Map<string, Buffer>, whole: Map<string, Buffer>) =>
  files.size === whole.size && isPartOf(files, whole);

/** Kills a command whose results are tables or traces. before: the one that was run first. */
async function killResults(folder: string, args: readonly string[], before: readonly string[] | undefined) {
  writeInputs(folder);
  const out = path.join(folder, "in/out");
  const old = before ? await resultsOf(folder, before, "old") : new Map<string, Buffer>();
  // Files of another command stay.
  const fresh = await resultsOf(folder, args, "new", before && "old");
  return killEverywhere(folder, {
    args: [...args, "--out", "in/out", "--quiet"],
    restore() {
      rmSync(path.dirname(out), { recursive: true, force: true });
      mkdirSync(path.dirname(out));
      if (before) cpSync(path.join(folder, "old"), out, { recursive: true });
    },
    expectWholeOrGone() {
      const there = filesIn(out);
      const sides = [old, fresh].filter((side) => isPartOf(there, side));
      expect(sides.length, `${[...there.keys()]} are neither all old nor all new`).toBeGreaterThan(0);
      if (there.has(MANIFEST)) expect(sides.some((side) => isWhole(there, side))).toBe(true);
    },
    expectComplete() {
      expect(readdirSync(out)).toEqual([...fresh.keys()]);
      expect(isWhole(filesIn(out), fresh)).toBe(true);
    },
  });
}

describe.skipIf(!CAN_TRACE)(`killed at every call${because(CAN_TRACE, "strace cannot be used here")}`, () => {
  test.for(COMMANDS)("%s leaves old or new results", { timeout: 40 * MINUTE }, async ([, args, before], { folder }) => {
    expect(await killResults(folder, args, before)).toBeGreaterThan(25);
  });

  test.for(COMMANDS)(
    "%s leaves all or nothing in a new folder",
    { timeout: 40 * MINUTE },
    async ([, args], { folder }) => {
      expect(await killResults(folder, args, undefined)).toBeGreaterThan(4);
    },
  );

  test.for([
    ["an interrupt", "signal=SIGTERM", CALLS, { code: 143, stderr: "pagekin: interrupted\n" }],
    [
      "a call that fails",
      "error=EIO",
      ["fsync", "mkdir", "rename"],
      { code: 2, stderr: expect.stringMatching(/^pagekin: [^\n]*input\/output error[^\n]*\n$/) },
    ],
  ] as const)("%s leaves the old results, and nothing else", { timeout: 40 * MINUTE }, async (row, { folder }) => {
    const [, how, calls, end] = row;
    writeInputs(folder);
    const out = path.join(folder, "out");
    const [, args, before] = COMMANDS[0];
    const old = await resultsOf(folder, before, "old");
    const fresh = await resultsOf(folder, args, "new", "old");
    const run = [...args, "--out", "out", "--quiet"];
    const begun = await callsBeforeSync(CALLS, run, folder);
    let disturbed = 0;
    for (const call of calls) {
      for (let n = Math.max(1, begun[call]); ; n++) {
        rmSync(out, { recursive: true, force: true });
        cpSync(path.join(folder, "old"), out, { recursive: true });
        const { code, stderr } = await disturbedAt([call, n], how, run, folder);
        const there = filesIn(out);
        if (code === 0) {
          expect(isWhole(there, fresh)).toBe(true);
          break;
        }
        disturbed++;
        expect(readdirSync(out)).toEqual([...there.keys()]);
        expect({ code, stderr }).toEqual(end);
        expect(isWhole(there, old), `${call} ${n}`).toBe(true);
      }
    }
    expect(disturbed).toBeGreaterThan(15);
  });

  test("of two runs at once one leaves its whole results", { timeout: 10 * MINUTE }, async ({ folder }) => {
    writeInputs(folder);
    const [, [, one, before]] = COMMANDS;
    const other = [...before, "--add", "old"];
    const wholes = [await resultsOf(folder, one, "one"), await resultsOf(folder, other, "other")];
    await resultsOf(folder, before, "out");
    for (let wait = 0; wait <= 2000; wait += 250) {
      const slow = slowed(100, [...one, "--out", "out", "--quiet"], folder);
      await sleep(wait);
      const { code, stderr } = await pagekin([...other, "--out", "out", "--quiet"], { cwd: folder });
      expect([(await slow).code, code, stderr]).toEqual([0, 0, ""]);
      const there = filesIn(path.join(folder, "out"));
      expect(wholes.some((whole) => isWhole(there, whole))).toBe(true);
      expect(readdirSync(path.join(folder, "out"))).toEqual([...there.keys()]);
    }
  });

  test("capture leaves whole snapshots", { timeout: 40 * MINUTE }, async ({ folder }) => {
    const subject: ChildProcess = spawn("sleep", ["1000000"], { stdio: "ignore" });
    try {
      const out = path.join(folder, "in/out");
      const series = ["--every", "1ms", "--for", "1ms"];
      const dumps = ["app@0.001.elf", "app@0.elf"];
      const snapshots = () => {
        const files = filesIn(out);
        const { snapshots } = JSON.parse(String(files.get("capture.json")));
        const named: string[] = snapshots.flatMap(({ members }: { members: { file: string }[] }) =>
          members.map(({ file }) => file),
        );
        const [, ...rows] = String(files.get("inventory.csv")).trimEnd().split("\n");
        expect(rows.map((row) => row.split(",")[0])).toEqual(named);
        expect(named.toSorted()).toEqual([...files.keys()].filter((name) => name.endsWith(".elf")));
        return named.length;
      };
      const kills = await killEverywhere(folder, {
        args: ["capture", "process", `app=${subject.pid}`, ...series, "--out", "in/out", "--quiet"],
        restore() {
          rmSync(path.dirname(out), { recursive: true, force: true });
          mkdirSync(path.dirname(out));
        },
        expectWholeOrGone() {
          if (existsSync(path.join(out, "capture.json"))) snapshots();
        },
        expectComplete() {
          expect(readdirSync(out)).toEqual([...dumps, "capture.json", "inventory.csv"]);
          expect(snapshots()).toBe(2);
        },
      });
      expect(kills).toBeGreaterThan(25);
    } finally {
      subject.kill("SIGKILL");
    }
  });
});
