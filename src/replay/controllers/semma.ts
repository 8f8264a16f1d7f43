// SEMMA's decision maker (section V, Algorithm 1): balloons by how much of its memory a guest uses (UR = MUV / MUP), the
// scanner's speed by how full the host is (MUH). The paper leaves the sizes of the steps open.

import * as v from "valibot";
import { count, flag, period, size, thresholds } from "../scenario/values.js";
import type { Controller, Machine } from "./controller.js";

export const semmaSchema = v.strictObject({
  kind: v.literal("semma"),
  every: v.optional(period, "2s"),
  /** MUH is tested once for each VM, as the algorithm is printed, not once a period. */
  per_vm: v.optional(flag, true),
  ur: v.optional(thresholds, [0.7, 0.8]),
  muh: v.optional(thresholds, [0.6, 0.8]),
  balloon_step: v.optional(size, "16m"),
  balloon_takes: v.optional(v.picklist(["zero-first", "highest"], "zero-first or highest is expected"), "zero-first"),
  scan_step: v.optional(count(0), 100),
  scan_min: v.optional(count(0), 64),
  scan_max: v.optional(count(0), 1250),
});

export function semma(settings: v.InferOutput<typeof semmaSchema>): Controller {
  return {
    every: settings.every,
    decide(machine) {
      // Both are measured once, before anything is changed.
      const utilization = machine.hostUtilization();
      const usages = machine.members().map((member) => ({ member, usage: machine.usage(member) }));
      for (const { member, usage } of usages) {
        if (usage) setBalloon(machine, member, usage.usedBytes / usage.physicalBytes, settings);
        if (settings.per_vm) setSpeeds(machine, utilization, settings);
      }
      if (!settings.per_vm) setSpeeds(machine, utilization, settings);
    },
  };
}

type Settings = v.InferOutput<typeof semmaSchema>;

function setBalloon(machine: Machine, member: number, ratio: number, settings: Settings): void {
  const [low, high] = settings.ur;
  const { balloon_step: step } = settings;
  if (ratio > high) machine.deflate(member, step, `UR ${ratio.toFixed(3)} above ${high}`);
  else if (ratio < low) {
    machine.inflate(member, step, settings.balloon_takes === "zero-first", `UR ${ratio.toFixed(3)} below ${low}`);
  }
}

function setSpeeds(machine: Machine, utilization: number | undefined, settings: Settings): void {
  if (utilization === undefined) return;
  const [low, high] = settings.muh;
  const { scan_step: step, scan_min: least, scan_max: most } = settings;
  for (const speed of machine.speeds()) {
    const { pagesToScan } = speed;
    if (utilization > high) {
      const reason = `MUH ${utilization.toFixed(3)} above ${high}`;
      machine.setSpeed(speed, Math.max(pagesToScan, Math.min(most, pagesToScan + step)), reason);
    } else if (utilization < low) {
      const reason = `MUH ${utilization.toFixed(3)} below ${low}`;
      machine.setSpeed(speed, Math.min(pagesToScan, Math.max(least, pagesToScan - step)), reason);
    }
  }
}
