// What `processes --live` shows of the kernel's merging.

import { expect, test, vi } from "vitest";
import type { RankedProcess } from "../../src/processes/ranking.js";
import { printProcesses } from "../../src/report/process-summary.js";

const one = (pid: number, ksm: Record<string, number> | undefined): RankedProcess => ({
  ...{ member: `worker-${pid}`, pid, name: "worker", pages: 1000, sampledPages: 100, selfRate: 0.5, interRate: 0.1 },
  ...{ bothRate: 0.6, low: 0.55, high: 0.65, selected: true, forkSharedPages: 0, ksm },
});

async function shown(kernel: Record<string, number> | undefined, ...ksm: (Record<string, number> | undefined)[]) {
  const write = vi.spyOn(process.stdout, "write").mockImplementation((_, done) => {
    (done as unknown as () => void)();
    return true;
  });
  const processes = ksm.map((figures, i) => one(i + 1, figures));
  const saved = { saved: 1200, low: 1100, high: 1300 };
  const ranking = { fraction: 0.1, processes, all: saved, group: saved };
  const thresholds = { minResidentPages: 256, minSharing: 0.1 };
  const rest = { folder: "out", files: ["processes.csv"], seconds: 1, json: false, sources: [], notes: [] };
  await printProcesses(ranking, { ...thresholds, ...rest, kernel });
  const text = write.mock.calls.map(([chunk]) => chunk).join("");
  write.mockRestore();
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  return text;
}

test("its own figures stand beside what there is to be had", async () => {
  const kernel = { run: 1, pages_shared: 100, pages_sharing: 700, ksm_zero_pages: 50 };
  const text = await shown(kernel, { ksm_merging_pages: 400, ksm_zero_pages: 20 }, { ksm_merging_pages: 300 });
  expect(text).toContain("The kernel: ksmd runs");
  expect(text).toMatch(/saved on this machine .*\s750\s+2\.93 MiB/);
  expect(text).toMatch(/pages_shared\)\s+100\s/);
  expect(text).toMatch(/merged of these processes .*\s720\s/);
  expect(text).toMatch(/could save\s+1,200\s/);
  expect(text).toMatch(/worker\s+1 .*1\.56 MiB/);
});

test("where ksmd has nothing, or there is no KSM, that is said or nothing is", async () => {
  const nothing = { run: 0, pages_shared: 0, pages_sharing: 0 };
  expect(await shown(nothing, { ksm_merging_pages: 0 })).toContain("Of that ksmd, which is stopped, saves nothing.");
  expect(await shown(undefined, undefined)).not.toMatch(/ksmd|merged/);
});
