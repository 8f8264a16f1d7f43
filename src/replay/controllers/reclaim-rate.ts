// A group's speed follows what its scanning brings (proposed in GRP, section 5.3, which leaves the rule open): pages
// reclaimed in a window for each second of CPU that the window cost.

import * as v from "valibot";
import { period, thresholds } from "../scenario/values.js";
import type { Controller, ControllerEntry, SettingsOf } from "./controller.js";
import { faster, rangeFault, scanSteps, slower } from "./scan-range.js";

const settings = {
  every: v.optional(period, "10s"),
  /** Pages reclaimed for a second of CPU: slower below the first, faster above the second. */
  pages_per_cpu_s: v.optional(thresholds, [1000, 10000]),
  ...scanSteps,
};

type Settings = SettingsOf<typeof settings>;

export const reclaimRate: ControllerEntry<typeof settings> = {
  name: "reclaim-rate",
  settings,
  make,
  fault: rangeFault,
};

function make(settings: Settings): Controller {
  const before = new Map<number | undefined, { reclaimed: number; cpu: number }>();
  const [low, high] = settings.pages_per_cpu_s;
  return {
    every: settings.every,
    decide(machine) {
      for (const speed of machine.speeds()) {
        const { group, groups, pagesToScan } = speed;
        const now = { reclaimed: machine.reclaimedPages(groups), cpu: machine.cpuSeconds(groups) };
        const last = before.get(group) ?? { reclaimed: 0, cpu: 0 };
        before.set(group, now);
        const cpu = now.cpu - last.cpu;
        if (cpu <= 0) continue; // nothing was scanned
        const rate = Math.max(0, now.reclaimed - last.reclaimed) / cpu;
        const brings = `${Math.round(rate)} pages reclaimed a CPU second`;
        if (rate > high) machine.setSpeed(speed, faster(pagesToScan, settings), `${brings}, above ${high}`);
        else if (rate < low) machine.setSpeed(speed, slower(pagesToScan, settings), `${brings}, below ${low}`);
      }
    },
  };
}
