// SEMMA's decision maker (section V, Algorithm 1): balloons by how much of its memory a guest uses (UR = MUV / MUP), the
// scanner's speed by how full the host is (MUH). The paper leaves the sizes of the steps open.

import * as v from "valibot";
import { flag, period, size, thresholds } from "../scenario/values.js";
import type { Controller, ControllerEntry, Machine, SettingsOf } from "./controller.js";
import { faster, rangeFault, scanSteps, slower } from "./scan-range.js";

const settings = {
  every: v.optional(period, "2s"),
  /** MUH is tested once for each VM, as the algorithm is printed, not once a period. */
  per_vm: v.optional(flag, true),
  ur: v.optional(thresholds, [0.7, 0.8]),
  muh: v.optional(thresholds, [0.6, 0.8]),
  balloon_step: v.optional(size, "16m"),
  balloon_takes: v.optional(v.picklist(["zero-first", "highest"], "zero-first or highest is expected"), "zero-first"),
  ...scanSteps,
};

type Settings = SettingsOf<typeof settings>;

export const semma: ControllerEntry<typeof settings> = {
  name: "semma",
  settings,
  make,
  fault(own, { host, usage }) {
    const fault = rangeFault(own);
    if (fault || host || usage !== undefined) return fault;
    return { what: "semma must know how full the host is", hint: "give host or usage" };
  },
};

function make(settings: Settings): Controller {
  return {
    every: settings.every,
    decide(machine) {
      // Both are measured once, before anything is changed.
      const utilization = machine.hostUtilization();
      const usages = machine.members().map((member) => ({ member, usage: machine.usage(member) }));
      let moves = settings.per_vm;
      for (const { member, usage } of usages) {
        if (usage) setBalloon(machine, member, usage.usedBytes / usage.physicalBytes, settings);
        // Once no speed moves any more, none will for the other members.
        if (moves) moves = setSpeeds(machine, utilization, settings);
      }
      if (!settings.per_vm) setSpeeds(machine, utilization, settings);
    },
  };
}

function setBalloon(machine: Machine, member: number, ratio: number, settings: Settings): void {
  const [low, high] = settings.ur;
  const { balloon_step: step } = settings;
  if (ratio > high) machine.deflate(member, step, `UR ${ratio.toFixed(3)} above ${high}`);
  else if (ratio < low) {
    machine.inflate(member, step, settings.balloon_takes === "zero-first", `UR ${ratio.toFixed(3)} below ${low}`);
  }
}

/** Whether any speed is another now. */
function setSpeeds(machine: Machine, utilization: number | undefined, settings: Settings): boolean {
  if (utilization === undefined) return false;
  const [low, high] = settings.muh;
  const muh = `MUH ${utilization.toFixed(3)}`;
  let moved = false;
  for (const speed of machine.speeds()) {
    const { pagesToScan } = speed;
    if (utilization > high)
      moved = machine.setSpeed(speed, faster(pagesToScan, settings), `${muh} above ${high}`) || moved;
    else if (utilization < low) {
      moved = machine.setSpeed(speed, slower(pagesToScan, settings), `${muh} below ${low}`) || moved;
    }
  }
  return moved;
}
