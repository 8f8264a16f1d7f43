// What shells complete, by the shells themselves, and the manual page, by the programs that show it.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { because, has } from "../support/tools.js";

const MANUAL = fileURLToPath(new URL("../../dist/pagekin.1", import.meta.url));

/** What a shell offers for the last word of a line. */
type Complete = (script: string, words: readonly string[]) => string[];

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

const SHELLS: Record<string, Complete> = {
  bash: (script, words) => {
    const line = words.map((word) => `'${word}'`).join(" ");
    const code = `source ${script}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _pagekin; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(execFileSync("bash", ["-c", code], { encoding: "utf8" }));
  },
  fish: (script, words) => {
    const code = `source ${script}; complete -C"${words.join(" ")}"`;
    return lines(execFileSync("fish", ["-N", "-c", code], { encoding: "utf8" })).map((line) => line.split("\t")[0]);
  },
};

/** A line up to where it is completed, and what must be offered for its last word; undefined: files. */
const cases: [line: string, offered: string[]][] = [
  ["pagekin an", ["analyze"]],
  ["pagekin co", ["compare", "completion"]],
  ["pagekin capture ", ["vm", "process"]],
  ["pagekin capture v", ["vm"]],
  ["pagekin help re", ["replay"]],
  ["pagekin completion ", ["bash", "zsh", "fish"]],
  ["pagekin analyze --pag", ["--page-size"]],
  ["pagekin analyze a.raw --no-", ["--no-progress"]],
  ["pagekin analyze --pairs ", ["largest", "all"]],
  ["pagekin analyze --format li", ["lime"]],
  ["pagekin capture vm --method p", ["pmemsave"]],
  ["pagekin compare --entitlement ", ["shapley", "proportional"]],
  ["pagekin inspect --page", []],
];

for (const [shell, complete] of Object.entries(SHELLS)) {
  describe.skipIf(!has(shell))(`${shell} completes${because(has(shell), `${shell} is not installed`)}`, () => {
    test.for(cases)("%s", async ([line, offered], { folder }) => {
      const script = path.join(folder, "script");
      writeFileSync(script, await succeed(["completion", shell]));
      expect(complete(script, line.split(" ")).sort()).toEqual([...offered].sort());
    });
  });
}

test.skipIf(!has("zsh"))(`zsh takes its script${because(has("zsh"), "zsh is not installed")}`, async ({ folder }) => {
  const script = path.join(folder, "script");
  writeFileSync(script, await succeed(["completion", "zsh"]));
  const code = `autoload -U compinit; compinit -u -d ${folder}/dump; source ${script}; print $_comps[pagekin]`;
  expect(execFileSync("zsh", ["-fc", code], { encoding: "utf8", env: { ...process.env, HOME: folder } })).toBe(
    "_pagekin\n",
  );
});

test("another shell is refused", async () => {
  const { code, stderr } = await pagekin(["completion", "fisch"]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: "pagekin: no completion for fisch; did you mean fish?\n" });
});

describe("the manual page", () => {
  test("has every command and option that help has", async () => {
    const manual = readFileSync(MANUAL, "utf8").replaceAll("\\-", "-");
    const help = await succeed(["--help"]);
    const commands = [...help.matchAll(/^ {2}pagekin ((?:capture )?\w+) /gm)].map(([, name]) => name);
    for (const command of commands.filter((name) => name !== "help" && name !== "completion")) {
      expect(manual).toContain(`.SS "pagekin ${command}"`);
      const own = await succeed([...command.split(" "), "--help"]);
      const options = [...own.matchAll(/ --([a-z-]+) /g)].map(([, option]) => option);
      for (const option of options.filter((name) => name !== "help"))
        expect(manual, `${command} --${option}`).toMatch(new RegExp(`--(no-)?${option}\\b`));
    }
  });

  test.skipIf(!has("groff"))(`is set without a warning${because(has("groff"), "groff is not installed")}`, () => {
    const text = execFileSync("groff", ["-man", "-ww", "-Tutf8", MANUAL], { encoding: "utf8", stdio: "pipe" });
    expect(text).toContain("map of resident pages");
    expect(
      execFileSync("bash", ["-c", `groff -man -ww -Tutf8 '${MANUAL}' 2>&1 >/dev/null`], { encoding: "utf8" }),
    ).toBe("");
  });
});
