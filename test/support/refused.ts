import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { type AnalyzeOptions, analyze, PagekinError, replay } from "pagekin";
import { expect } from "vitest";
import { inside } from "./folder.js";
import { type HowToRun, pagekin } from "./pagekin.js";

/**
 * Runs a command that must refuse its input: exit code 2, nothing on stdout, one line on stderr that says what is asked
 * for, no stack, no result folder and nothing else that was not there before.
 */
export async function expectRefused(
  folder: string,
  args: readonly string[],
  says: readonly (string | RegExp)[],
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

// Where it is the input that is wrong, and not the command line, the library says the same without a process for each case.
// What the command line makes of it is shown for each kind of error in test/commands/errors.test.ts.

/** The library refuses sources of a folder: exit code 2, one line that says what is asked for, nothing left behind. */
export function expectSourcesRefused(
  folder: string,
  sources: readonly string[],
  says: readonly (string | RegExp)[],
  options?: AnalyzeOptions,
): Promise<void> {
  return expectLibraryRefuses(folder, () => analyze(sources, options), says);
}

/** The same of a scenario. */
export function expectScenarioRefused(folder: string, file: string, says: readonly (string | RegExp)[]): Promise<void> {
  return expectLibraryRefuses(folder, () => replay(file), says);
}

export async function expectLibraryRefuses(
  folder: string,
  call: () => Promise<unknown>,
  says: readonly (string | RegExp)[],
): Promise<void> {
  const before = readdirSync(folder);
  const error = await inside(folder, () => refusalOf(call));
  if (!error) throw new Error("the library refuses nothing");
  for (const text of says) expect(error.line).toMatch(text);
  expect(readdirSync(folder)).toEqual(before);
}

/** Why a call refuses its input, with exit code 2 and in one line; undefined if it does not. */
export async function refusalOf(call: () => Promise<unknown>): Promise<PagekinError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (!(error instanceof PagekinError)) throw error;
    expect({ code: error.exitCode, line: error.line }).toEqual({ code: 2, line: expect.stringMatching(/^[^\n]+$/) });
    return error;
  }
}
