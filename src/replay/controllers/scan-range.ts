// The bounds between which controllers set pages_to_scan.

import * as v from "valibot";
import { count } from "../scenario/values.js";
import type { ControllerFault, SettingsOf } from "./controller.js";

export const scanRange = {
  scan_min: v.optional(count(0), 64),
  scan_max: v.optional(count(0), 1250),
};

/** With the step in which it is set. */
export const scanSteps = { scan_step: v.optional(count(0), 100), ...scanRange };

type ScanRange = SettingsOf<typeof scanRange>;
type ScanSteps = SettingsOf<typeof scanSteps>;

export function rangeFault({ scan_min: least, scan_max: most }: ScanRange): ControllerFault | undefined {
  if (most >= least) return undefined;
  const what = `scan_max is ${most}, below scan_min (${least})`;
  return { path: ["controller", "scan_max"], what, hint: "swap them, or give both" };
}

/** One step up; a speed above the bounds stays as it is. */
export const faster = (pages: number, { scan_step: step, scan_max: most }: ScanSteps): number =>
  Math.max(pages, Math.min(most, pages + step));

/** One step down; a speed below the bounds stays as it is. */
export const slower = (pages: number, { scan_step: step, scan_min: least }: ScanSteps): number =>
  Math.min(pages, Math.max(least, pages - step));
