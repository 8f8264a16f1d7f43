// Every kind of large input, ten times what `npm run bench -- --only growth` begins with: signals get through at any moment,
// also where the wall clock goes back an hour meanwhile, and nothing is left then.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { KINDS } from "../support/growth.js";
import { ended, pagekin, start } from "../support/pagekin.js";
import { longestTurn, mostTurnMs, notedTurns } from "../support/turns.js";

const TIMES = 10;
const MOMENTS = 12;
/** What a larger size of it is refused for, or what takes too long to make. */
const TIMES_OF: Record<string, number> = { "yaml-bytes": 5, groups: 4, members: 4, snapshots: 4 };
const SIGNALS: [signal: NodeJS.Signals, code: number][] = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
];

describe.each(Object.entries(KINDS))("%s", (kind, { size, make }) => {
  const prepared = (folder: string, times: number) => {
    const temporary = path.join(folder, "tmp");
    const inputs = path.join(folder, "inputs");
    for (const one of [temporary, inputs]) mkdirSync(one);
    const args = [...make(inputs, times * size), "--quiet", "--workers", kind === "members" ? "2" : "1"];
    return { temporary, args, env: { TMPDIR: temporary, ...notedTurns(folder) } };
  };

  test("no turn of the event loop takes half a second of CPU", async ({ folder }) => {
    const { args, env } = prepared(folder, TIMES_OF[kind] ?? TIMES);
    const run = await pagekin([...args, "--out", path.join(folder, "out")], { env });
    expect(run).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(longestTurn(folder)).toBeLessThan(mostTurnMs());
  });

  test("stopped at any moment it leaves nothing, or all", async ({ folder }) => {
    const { args, env, temporary } = prepared(folder, 2);
    const out = path.join(folder, "out");
    const began = performance.now();
    expect(await pagekin([...args, "--out", out], { env })).toMatchObject({ code: 0 });
    const took = performance.now() - began;
    const whole = readdirSync(out).sort();
    let stopped = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const [signal, code] = SIGNALS[moment % SIGNALS.length];
      const other = path.join(folder, `out-${moment}`);
      const child = start([...args, "--out", other], { env });
      const end = ended(child);
      child.stdin.end();
      // Before Node has come up it would end without pagekin.
      await sleep(60 + (took * moment) / MOMENTS);
      child.kill(signal);
      const run = await end;
      expect([0, code, null]).toContain(run.code);
      if (run.code === code) {
        stopped++;
        expect(run).toMatchObject({ stdout: "", stderr: "pagekin: interrupted\n" });
      }
      // The signal may have come when all was in its place.
      if (run.code === 0 || existsSync(other)) expect(readdirSync(other).sort()).toEqual(whole);
      expect(readdirSync(temporary)).toEqual([]);
      expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
    }
    expect(stopped).toBeGreaterThan(0);
  });
});
