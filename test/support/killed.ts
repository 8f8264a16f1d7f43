// What runs that were killed leave in result folders, made by killing one and by laying out by hand what it had come to.

import { once } from "node:events";
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HowToRun, start } from "./pagekin.js";
import { dumpOf, TINY } from "./pieces.js";

const hiddenIn = (folder: string) =>
  (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.startsWith(".pagekin-"));

/** Starts a run that waits for the rest of its standard input; gives it and its hidden folder. */
export async function startWaiting(out: string, how: HowToRun = {}) {
  const inside = existsSync(out) ? out : path.dirname(out);
  const before = hiddenIn(inside);
  const child = start(["analyze", "waiting=-", "--out", out, "--quiet"], how);
  // More than is looked at to tell what it is.
  child.stdin.write(dumpOf(new Array(128).fill(TINY)));
  for (;;) {
    const hidden = hiddenIn(inside)
      .filter((name) => !before.includes(name))
      .map((name) => path.join(inside, name))
      // When its first file is open, the folder may be moved.
      .find((folder) => readdirSync(folder).length > 0);
    if (hidden !== undefined) return { child, hidden };
    if (child.exitCode !== null) throw new Error("it did not wait");
    await sleep(10);
  }
}

/** Kills a run; gives the hidden folder that it leaves. */
export async function killedRun(out: string): Promise<string> {
  const { child, hidden } = await startWaiting(out);
  const end = once(child, "close");
  child.kill("SIGKILL");
  await end;
  return hidden;
}

/** A replacement of the results in `out` by those in `fresh`, from where it is decided. */
export interface Halfway {
  /** The moves by which it happens, in their order. */
  moves: (() => void)[];
  journal: string;
}

/** Lays out what a run has come to that was killed while it moved its results. */
export async function killedHalfway(out: string, fresh: string): Promise<Halfway> {
  const leftover = await killedRun(out);
  const journal = `${leftover}.commit`;
  renameSync(leftover, journal);
  for (const name of readdirSync(journal)) rmSync(path.join(journal, name));
  const last = (a: string, b: string) => Number(a === "manifest.json") - Number(b === "manifest.json");
  const files = readdirSync(fresh).sort(last);
  const replaced = readdirSync(out)
    .filter((name) => !name.startsWith("."))
    .sort(last)
    .reverse();
  for (const name of files) copyFileSync(path.join(fresh, name), path.join(journal, name));
  writeFileSync(path.join(journal, ".record.json"), JSON.stringify({ files, replaced }));
  const moves = [
    ...replaced.map((name, i) => [path.join(out, name), path.join(journal, `.old.${i}`)]),
    ...files.map((name) => [path.join(journal, name), path.join(out, name)]),
  ];
  return {
    journal,
    moves: moves.map(
      ([from, to]) =>
        () =>
          renameSync(from, to),
    ),
  };
}
