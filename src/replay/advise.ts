// The kernel's scan-time advisor (mm/ksm.c of Linux 6.8 to 6.18, scan_time_advisor): pages_to_scan is set anew after each
// pass, so that a pass takes the time aimed at. Integers only; divisions are truncated.

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
