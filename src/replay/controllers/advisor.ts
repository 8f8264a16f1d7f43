// The advisor as a controller: it decides at the end of each pass.

import { type AdvisorSettings, type AdvisorState, advise, startOfAdvisor } from "../advise.js";
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
