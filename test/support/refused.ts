import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { type HowToRun, pagekin } from "./pagekin.js";

/**
 * Runs a command that must refuse its input: exit code 2, nothing on stdout, one line on stderr that says what is asked
 * for, no stack, no result folder and nothing else that was not there before.
 */
export async function expectRefused(
  folder: string,
  args: readonly string[],
  says: (string | RegExp)[],
  how: HowToRun = {},
): Promise<void> {
  const before = readdirSync(folder);
  const out = path.join(folder, "refused-out");
  const { code, stdout, stderr } = await pagekin([...args, "--out", out], { cwd: folder, ...how });
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^pagekin: [^\n]+\n$/),
  });
  expect(stderr).not.toContain("    at ");
  for (const text of says) expect(stderr).toMatch(text);
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(folder)).toEqual(before);
}
