import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { textsIn } from "./folder.js";
import { pagekin, succeed } from "./pagekin.js";

/**
 * Several runs of a command at once, with files that not all of them have, write to one folder, in so many rounds: the whole results of one of them are left. The test's
 * folder has two dumps, a.raw and b.raw; name: `new` for a folder that is not there yet.
 */
export async function expectWholeResults(folder: string, name: string, rounds: number): Promise<void> {
  const out = path.join(folder, name);
  const commands = [
    ["compare", "a.raw", "--policy", "one-group"],
    ["compare", "b.raw", "--policy", "one-group", "--add", "b"],
    ["compare", "a.raw", "b.raw", "--policy", "per-member", "--use-zero-pages"],
    ["compare", "b.raw", "a.raw", "--policy", "one-group", "--max-page-sharing", "2"],
  ];
  const wholes: Record<string, string>[] = [];
  for (const [i, command] of commands.entries()) {
    await succeed([...command, "--out", `whole-${i}`, "--quiet"], { cwd: folder });
    wholes.push({ ...textsIn(path.join(folder, `whole-${i}`)), "manifest.json": "" });
  }
  if (name !== "new") await succeed([...commands[0], "--out", name, "--quiet"], { cwd: folder });
  for (let round = 0; round < rounds; round++) {
    if (name === "new") rmSync(out, { recursive: true, force: true });
    const ends = await Promise.all(
      commands.map((command) => pagekin([...command, "--out", name, "--quiet"], { cwd: folder })),
    );
    for (const { code, stderr } of ends) {
      if (code === 0) expect(stderr).toBe("");
      else expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^pagekin: [^\n]+\n$/) });
    }
    expect(ends.some(({ code }) => code === 0)).toBe(true);
    const there = textsIn(out);
    expect(wholes).toContainEqual({ ...there, "manifest.json": "" });
    expect(JSON.parse(there["manifest.json"]).files.toSorted()).toEqual(Object.keys(there));
    expect(readdirSync(folder).filter((file) => file.startsWith("."))).toEqual([]);
  }
}
