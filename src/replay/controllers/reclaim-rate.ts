// A group's speed follows what its scanning brings (proposed in GRP, section 5.3, which leaves the rule open): pages
// reclaimed in a window for each second of CPU that the window cost.

import * as v from "valibot";
import { count, period, thresholds } from "../scenario/values.js";
import type { Controller } from "./controller.js";

export const reclaimRateSchema = v.strictObject({
  kind: v.literal("reclaim-rate"),
  every: v.optional(period, "10s"),
  /** Pages reclaimed for a second of CPU: slower below the first, faster above the second. */
  pages_per_cpu_s: v.optional(thresholds, [1000, 10000]),
  scan_step: v.optional(count(0), 100),
  scan_min: v.optional(count(0), 64),
  scan_max: v.optional(count(0), 1250),
});

export function reclaimRate(settings: v.InferOutput<typeof reclaimRateSchema>): Controller {
  const before = new Map<string, { reclaimed: number; cpu: number }>();
  const [low, high] = settings.pages_per_cpu_s;
  const { scan_step: step, scan_min: least, scan_max: most } = settings;
  return {
    every: settings.every,
    decide(machine) {
      for (const speed of machine.speeds()) {
        const { subject, groups, pagesToScan } = speed;
        const now = { reclaimed: machine.reclaimedPages(groups), cpu: machine.cpuSeconds(groups) };
        const last = before.get(subject) ?? { reclaimed: 0, cpu: 0 };
        before.set(subject, now);
        const cpu = now.cpu - last.cpu;
        if (cpu <= 0) continue; // nothing was scanned
        const rate = Math.max(0, now.reclaimed - last.reclaimed) / cpu;
        const brings = `${Math.round(rate)} pages reclaimed a CPU second`;
        if (rate > high) {
          machine.setSpeed(
            speed,
            Math.max(pagesToScan, Math.min(most, pagesToScan + step)),
            `${brings}, above ${high}`,
          );
        } else if (rate < low) {
          machine.setSpeed(
            speed,
            Math.min(pagesToScan, Math.max(least, pagesToScan - step)),
            `${brings}, below ${low}`,
          );
        }
      }
    },
  };
}
