// Dumps that may be damaged: each is read, or refused in one line that names it, and soon.

import { type AnalyzeOptions, analyze } from "pagekin";
import { expect } from "vitest";
import { soon } from "../limits.js";
import { refusalOf } from "../refused.js";

/** Whether a dump is read. */
export async function isRead(file: string, options: AnalyzeOptions = {}): Promise<boolean> {
  const refusal = await soon(() => refusalOf(() => analyze([file], { pageSizes: [4096], workers: 1, ...options })));
  expect(refusal?.line ?? file).toContain(file);
  return refusal === undefined;
}
