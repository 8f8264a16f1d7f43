// How long a command is deaf: the most CPU time between two turns of its event loop.

import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PRELOAD = fileURLToPath(new URL("./turns.cjs", import.meta.url));

/** Half a second on a machine that takes so many milliseconds for the loop below, more on a slower one. */
const MOST_MS = 500;
const LOOP_MS = 30;

const turnsFile = (folder: string): string => path.join(folder, "turns");

/** The environment of a command whose turns are noted, and whose wall clock goes back. */
export const notedTurns = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--require ${PRELOAD}`,
  TURNS_FILE: turnsFile(folder),
});

/** Milliseconds of CPU; the note is gone then. */
export function longestTurn(folder: string): number {
  const file = turnsFile(folder);
  if (!existsSync(file)) throw new Error("the command has noted nothing");
  const most = Number(readFileSync(file, "utf8"));
  rmSync(file);
  return most;
}

/** The longest turn that is right, in CPU milliseconds of this machine. */
export function mostTurnMs(): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    let value = 1;
    for (let i = 0; i < 3e7; i++) value = Math.imul(value, 0x9e3779b1) ^ i;
    const { user, system } = process.cpuUsage(before);
    return value === 0 ? Infinity : (user + system) / 1000;
  });
  return MOST_MS * Math.max(1, Math.min(...times) / LOOP_MS);
}
