// Dumps that may be damaged: each is read, or refused in one line that names it, and soon.

import { analyze } from "pagekin";
import { expect } from "vitest";
import { soon } from "../limits.js";
import { pagekin } from "../pagekin.js";
import { refusalOf } from "../refused.js";

/** Whether the library reads a dump. */
export async function isRead(file: string, pageSize = 4096): Promise<boolean> {
  const refusal = await soon(() => refusalOf(() => analyze([file], { pageSizes: [pageSize], workers: 1 })));
  expect(refusal?.line ?? file).toContain(file);
  return refusal === undefined;
}

/** Whether pagekin reads a dump of a folder if it may be cut. */
export async function isReadTruncated(folder: string, file: string): Promise<boolean> {
  const args = ["analyze", file, "--allow-truncated", "--page-size", "4k", "--out", `out-${file}`, "--quiet"];
  const { code, stderr } = await soon(() => pagekin(args, { cwd: folder }));
  expect([0, 2], `${file}: ${stderr}`).toContain(code);
  if (code === 2) expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
  return code === 0;
}
