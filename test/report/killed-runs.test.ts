// What runs leave in a result folder that were killed, and what several runs at once make of one: the next run finds whole
// old or whole new results, and cleans up. test/commit kills real runs at every call; here their leftovers are laid out.

import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { test as base, textsIn } from "../support/folder.js";
import { killedHalfway, killedRun, startWaiting } from "../support/killed.js";
import { ended, pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectWholeResults } from "../support/runs-at-once.js";
import { rowsOf } from "../support/table.js";
import { because, has, IS_ROOT } from "../support/tools.js";

/** A folder with two dumps, results of one in `out`, and those of the other in `fresh`, by another command. */
const test = base.extend<{ out: string; fresh: string }>({
  out: async ({ folder }, use) => {
    writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, 0, TINY]));
    writeFileSync(path.join(folder, "b.raw"), dumpOf([TINY, TINY, TINY, TINY]));
    await succeed(["analyze", "a.raw", "--out", "out", "--quiet"], { cwd: folder });
    await use(path.join(folder, "out"));
  },
  fresh: async ({ folder, out: _out }, use) => {
    await succeed(["compare", "b.raw", "--policy", "one-group", "--out", "fresh", "--quiet"], { cwd: folder });
    await use(path.join(folder, "fresh"));
  },
});

const analyze = (out: string, ...more: string[]) =>
  pagekin(["analyze", path.join(out, "../b.raw"), "--out", out, "--quiet", ...more]);

/** Has a run look at the folder that has to refuse it, and gives what is in the folder then. */
async function lookedAt(out: string): Promise<Record<string, string>> {
  const note = path.join(out, "note.txt");
  writeFileSync(note, "mine");
  expect(await analyze(out)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^pagekin: [^\n]+\(note\.txt\)/) });
  rmSync(note);
  return textsIn(out);
}

const ONE_LINE = /^pagekin: [^\n]+\n$/;

describe("a run that was killed while it moved its results", () => {
  test("is finished by the next one, however far it had come", async ({ folder, out, fresh }) => {
    const whole = textsIn(fresh);
    const { moves } = await killedHalfway(out, fresh);
    const decided = path.join(folder, "decided");
    cpSync(out, decided, { recursive: true });
    for (let made = 0; made <= moves.length; made++) {
      rmSync(out, { recursive: true });
      cpSync(decided, out, { recursive: true });
      for (const move of moves.slice(0, made)) move();
      expect(await lookedAt(out), `after ${made} moves`).toEqual(whole);
    }
  });

  test.for([
    ["before it was decided", undefined],
    ["while it was decided", '{"files":["policies.csv"'],
    ["when nothing of the decision was on the disk", "\0\0\0\0"],
  ] as const)("%s leaves the old results", async ([, record], { out, fresh }) => {
    const old = textsIn(out);
    const { journal } = await killedHalfway(out, fresh);
    rmSync(path.join(journal, ".record.json"));
    if (record !== undefined) writeFileSync(path.join(journal, ".record.json"), record);
    expect(await lookedAt(out)).toEqual(old);
  });

  test("is not finished over a file that somebody else put there", async ({ out, fresh }) => {
    const [old, whole] = [textsIn(out), textsIn(fresh)];
    const { moves, journal } = await killedHalfway(out, fresh);
    for (const move of moves.slice(0, Object.keys(old).length + 2)) move();
    const mine = path.join(out, "merges.csv");
    const before = existsSync(mine);
    writeFileSync(mine, "mine");
    const { code, stdout, stderr } = await analyze(out);
    expect({ before, code, stdout }).toEqual({ before: false, code: 2, stdout: "" });
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain("merges.csv is there already");
    expect(stderr).toContain(path.basename(journal));
    const hidden = readdirSync(out).filter((name) => name.startsWith("."));
    expect(hidden).toEqual([path.basename(journal)]);
    renameSync(journal, path.join(out, "../journal"));
    expect(textsIn(out)).toEqual({ ...old, "merges.csv": "mine" });

    renameSync(path.join(out, "../journal"), journal);
    rmSync(mine);
    expect(await lookedAt(out)).toEqual(whole);
  });
});

describe("unfinished files", () => {
  test("of a run that was killed are removed by the next one", async ({ folder, out }) => {
    await killedRun(out);
    expect(await analyze(out)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
    // That one would have made its folder.
    const other = path.join(folder, "new/out");
    mkdirSync(path.dirname(other));
    await killedRun(other);
    expect(readdirSync(path.dirname(other)).length).toBe(1);
    expect(await pagekin(["analyze", path.join(folder, "b.raw"), "--out", other])).toMatchObject({ code: 0 });
    expect(readdirSync(path.dirname(other))).toEqual(["out"]);
  });

  test("of a run that goes on, and what only looks like them, stay", async ({ out }) => {
    const { child, hidden } = await startWaiting(out);
    const end = ended(child);
    const others = [".pagekin-notes", ".pagekin-a-1.b", path.basename(hidden).replace(/\.\d+\.\d+\.\d+$/, ".x.y.z")];
    for (const name of others) {
      mkdirSync(path.join(out, name));
      writeFileSync(path.join(out, name, "mine.txt"), "mine");
    }
    expect(await analyze(out)).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const name of others) expect(textsIn(path.join(out, name))).toEqual({ "mine.txt": "mine" });
    expect(existsSync(hidden)).toBe(true);
    child.stdin.end();
    expect(await end).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(
      readdirSync(out)
        .filter((name) => name.startsWith("."))
        .sort(),
    ).toEqual(others.sort());
  });

  const canUnshare = IS_ROOT && has("unshare");
  test.skipIf(!canUnshare)(
    `of a run in another container stay while it shows life${because(canUnshare, "needs root and unshare")}`,
    async ({ out }) => {
      // Its process number means another process here, or none.
      const how = { before: 'exec unshare --pid --fork --kill-child --mount-proc "$@"' };
      const { child, hidden } = await startWaiting(out, how);
      const end = ended(child);
      expect(await analyze(out)).toMatchObject({ code: 0 });
      expect(existsSync(hidden)).toBe(true);
      child.kill("SIGKILL");
      await end;
      expect(await analyze(out)).toMatchObject({ code: 0 });
      expect(existsSync(hidden)).toBe(true);
      const aMinuteAgo = Date.now() / 1000 - 60;
      utimesSync(hidden, aMinuteAgo, aMinuteAgo);
      expect(await analyze(out)).toMatchObject({ code: 0 });
      expect(existsSync(hidden)).toBe(false);
    },
  );
});

describe("several runs into one folder", () => {
  test("wait while one moves its results", async ({ out }) => {
    const { child, hidden } = await startWaiting(out);
    const end = ended(child);
    const moving = `${hidden}.commit`;
    renameSync(hidden, moving);
    renameSync(path.join(out, "manifest.json"), path.join(moving, ".old.0"));
    let hasEnded = false;
    const other = analyze(out).finally(() => {
      hasEnded = true;
    });
    await sleep(1500);
    expect(hasEnded).toBe(false);
    renameSync(path.join(moving, ".old.0"), path.join(out, "manifest.json"));
    renameSync(moving, hidden);
    expect(await other).toEqual({ code: 0, stdout: "", stderr: "" });
    child.stdin.end();
    expect(await end).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(rowsOf(out, "self.csv")[0]).toMatchObject({ member: "waiting" });
  });

  // More often: runs-at-once.full.test.ts.
  test.for(["new", "there"])("at once leave the whole results of one of them in %s", (name, { folder, out: _ }) =>
    expectWholeResults(folder, name, 2),
  );
});
