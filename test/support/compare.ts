// Runs of `pagekin compare` on small worlds.

import { existsSync } from "node:fs";
import path from "node:path";
import { cases } from "./cases.js";
import { succeed } from "./pagekin.js";
import type { PolicyWorld } from "./policy-twin.js";
import { writeWorlds } from "./policy-worlds.js";
import { type Row, rowsOf } from "./table.js";
import { MOST_MS } from "./time-limit.js";
import type { TwinLimits } from "./twin-groupings.js";

/** The tables of a run, by the names of their files. */
export interface Tables {
  policies: Row[];
  groups: Row[];
  members: Row[];
  merges: Row[];
  /** Where it was asked for. */
  marginal: Row[];
}

/** Compares policies on worlds that are written into a folder. */
export async function compareWorlds(
  folder: string,
  worlds: readonly PolicyWorld[],
  policies: readonly string[],
  ...options: string[]
): Promise<Tables> {
  const asked = policies.flatMap((text) => ["--policy", text]);
  await succeed(["compare", ...writeWorlds(folder, worlds), ...asked, ...options, "--out", "out", "--quiet"], {
    cwd: folder,
  });
  const out = path.join(folder, "out");
  const [scored, groups, members, merges] = ["policies", "groups", "members", "merges"].map((table) =>
    rowsOf(out, `${table}.csv`),
  );
  const marginal = existsSync(path.join(out, "marginal.csv")) ? rowsOf(out, "marginal.csv") : [];
  return { policies: scored, groups, members, merges, marginal };
}

export function limitOptions({ together, apart, maxGroup }: TwinLimits): string[] {
  return [
    ...together.flatMap((list) => ["--together", list.join()]),
    ...apart.flatMap((list) => ["--apart", list.join()]),
    ...(maxGroup < Infinity ? ["--max-group", String(maxGroup)] : []),
  ];
}

/** Settings of a property, of whose cases some are tried in npm test. When it fails, the search for a smaller example ends before the test's time is over. */
export const runs = (all: number) => ({
  numRuns: cases(all),
  interruptAfterTimeLimit: 0.8 * MOST_MS,
  markInterruptAsFailure: true,
});
