// What is expected of `pagekin capture vm` in more than one file of tests.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Ended } from "./pagekin.js";
import type { FakeVm } from "./qmp-server.js";

/** Without the line that says how long the pause will be. */
export const withoutForecast = (end: Ended): Ended => ({
  ...end,
  stdout: end.stdout.replace(/^(The snapshot|Each of \d+ snapshots) will pause [^\n]+\n/, ""),
});

/** Waits until the first snapshot is there. */
export function firstSnapshot({ stdout }: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    let said = "";
    stdout.on("data", (text) => {
      said += text;
      if (/^0 s: /m.test(said)) resolve();
    });
  });
}

/** pagekin must have said one line and left nothing. */
export function expectRefused(folder: string, end: Ended, says: RegExp): void {
  const { code, stdout, stderr } = withoutForecast(end);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
  expect(stderr).toMatch(says);
  expect(existsSync(path.join(folder, "out"))).toBe(false);
}

/** The process that lets VMs go may need a moment. */
export async function expectRunning(...vms: FakeVm[]): Promise<void> {
  while (vms.some(({ running }) => !running)) await sleep(20);
}
