// The same scenario and seed give the same bytes, whatever does the runs; chance is in the seed alone.

import path from "node:path";
import * as fc from "fast-check";
import { expect } from "vitest";
import { type ChangingWorld, changingWorld } from "../support/changing-worlds.js";
import { test, textsIn } from "../support/folder.js";
import { replay, type Scenario, writeEvents, writeLabels, writeSnapshots } from "../support/scenario.js";

const MEMBERS = ["a", "b", "c", "d"];

/** All tables of a replay as they are. */
async function bytesOf(folder: string, scenario: Scenario, name: string, ...options: string[]) {
  await replay(folder, scenario, name, ...options);
  const { "manifest.json": _, ...tables } = textsIn(path.join(folder, `${name}-out`));
  return tables;
}

test("one thread or two, once or again, and another seed", async ({ folder }) => {
  const worlds = fc.sample(changingWorld(MEMBERS), { numRuns: 30, seed: 3 });
  const sizeOf = (world: ChangingWorld) => world.snapshots.length + world.events.length;
  const { snapshots, events } = worlds.reduce((most, world) => (sizeOf(world) > sizeOf(most) ? world : most));
  writeEvents(folder, events);
  const scenario = (seed: number, changes: string): Scenario => ({
    ...{ sources: writeSnapshots(folder, snapshots), events: "events.csv", seed, changes, until: "2s" },
    inventory: writeLabels(folder, "tenant", { a: "t", b: "u", c: "t", d: "u" }),
    ...{ sample: "20ms", regroup: { policy: "similar:2", every: "300ms" }, redistribute: "entitlement" },
    ...{ scanner: { advisor_mode: "scan-time" }, host: { memory: "1m" } },
    vary: { policy: ["one-group", "by:tenant", "per-member"], "scanner.cpu": ["free", "modelled"] },
  });
  const one = await bytesOf(folder, scenario(1, "spread"), "one", "--workers", "1");
  expect(Object.keys(one).sort()).toEqual([
    ...["decisions.csv", "guarantee.csv", "host.csv", "memory.csv", "runs.csv", "samples.csv"],
  ]);
  expect(await bytesOf(folder, scenario(1, "spread"), "again", "--workers", "1")).toEqual(one);
  expect(await bytesOf(folder, scenario(1, "spread"), "two", "--workers", "2")).toEqual(one);
  const other = await bytesOf(folder, scenario(2, "spread"), "other");
  expect(other["samples.csv"]).not.toBe(one["samples.csv"]);
  // Nothing else is up to chance.
  const still = await bytesOf(folder, scenario(1, "at-snapshot"), "still");
  expect(await bytesOf(folder, scenario(2, "at-snapshot"), "still-other")).toEqual(still);
});
