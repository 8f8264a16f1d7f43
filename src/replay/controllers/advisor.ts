// The kernel's scan-time advisor (mm/ksm.c of Linux 6.8 to 6.18, scan_time_advisor): pages_to_scan is set anew after each
// pass, so that a pass takes the time aimed at. Whole numbers only; divisions are cut off.

import { NANOSECONDS } from "../time.js";
import type { Controller, ControllerEntry } from "./controller.js";

/** Its settings are the scanner's, by the kernel's names; advisor_mode chooses it too. */
export const advisor: ControllerEntry = {
  name: "advisor",
  settings: {},
  make: (_, scanner) => make(scanner),
  fault(_, { scanner, groups }) {
    if (scanner.threads === "one") {
      const what = "the advisor decides at the end of a pass, of which each group has its own";
      return { what, hint: "set threads: per-group" };
    }
    const own = [...groups].find(([, { pages_to_scan: pages }]) => pages !== undefined);
    if (!own) return undefined;
    const what = "pages_to_scan is set by the advisor";
    return { path: ["groups", own[0], "pages_to_scan"], what, hint: "it starts at advisor_min_pages_to_scan" };
  },
  firstPagesToScan: ({ advisor_min_pages_to_scan: pages }) => pages,
};

/** Weights of the last change and of those before, in per cent. */
const EWMA_WEIGHT = 30;
const LEAST_CPU = 10;

/** The settings by the kernel's names: per cent, pages, seconds. */
export interface AdvisorSettings {
  advisor_max_cpu: number;
  advisor_min_pages_to_scan: number;
  advisor_max_pages_to_scan: number;
  advisor_target_scan_time: number;
}

/** What the advisor remembers from pass to pass. */
export interface AdvisorState {
  pagesToScan: number;
  /** The smoothed change of scan times, in per cent. */
  change: number;
  /** Seconds; 0: there was no pass before. */
  lastScanTime: number;
}

export const startOfAdvisor = (settings: AdvisorSettings): AdvisorState => ({
  pagesToScan: settings.advisor_min_pages_to_scan,
  change: 0,
  lastScanTime: 0,
});

/** The state after a pass of whole seconds (at least 1) that took so many per cent of a CPU (at least 1). */
export function advise(
  { pagesToScan, change, lastScanTime }: AdvisorState,
  scanTime: number,
  cpuPercent: number,
  settings: AdvisorSettings,
): AdvisorState {
  const cut = Math.floor;
  const factor = Math.max(1, cut((settings.advisor_target_scan_time * 100) / scanTime));
  const changed = lastScanTime > 0 ? Math.max(1, cut((scanTime * 100) / lastScanTime)) : 100;
  const smoothed = cut(((100 - EWMA_WEIGHT) * change + EWMA_WEIGHT * changed) / 100);
  const perCpu = Math.max(1, cut(pagesToScan / cpuPercent));
  let pages = cut((cut((pagesToScan * 100) / factor) * smoothed) / 100);
  pages = Math.min(pages, perCpu * settings.advisor_max_cpu);
  pages = Math.max(pages, perCpu * LEAST_CPU);
  pages = Math.min(pages, settings.advisor_max_pages_to_scan);
  return { pagesToScan: pages, change: smoothed, lastScanTime: scanTime };
}

function make(settings: AdvisorSettings): Controller {
  const states = new Map<number | undefined, AdvisorState & { cpuMs: number }>();
  return {
    passEnded(machine, { speed, ns, cpuSeconds }) {
      const state = states.get(speed.group) ?? { ...startOfAdvisor(settings), cpuMs: 0 };
      const scanTime = Math.max(1, Math.floor(ns / NANOSECONDS));
      // Whole nanoseconds first: 1.001 s are 1001 ms.
      const cpuMs = Math.floor(Math.round(cpuSeconds * NANOSECONDS) / 1e6);
      const cpuPercent = Math.max(1, Math.floor(((cpuMs - state.cpuMs) * 100) / (scanTime * 1000)));
      const next = advise(state, scanTime, cpuPercent, settings);
      states.set(speed.group, { ...next, cpuMs });
      const aim = settings.advisor_target_scan_time;
      machine.setSpeed(speed, next.pagesToScan, `a pass of ${scanTime} s for ${aim} s, ${cpuPercent} % CPU`);
    },
  };
}
