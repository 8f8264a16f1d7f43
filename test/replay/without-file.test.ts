// A replay without a scenario's file: its options stand for one, which can be printed.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test, textsIn } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";

const PAGES = 40;

/** A trace whose pages have the contents of a row of numbers. */
function writeTrace(folder: string, name: string, contentOf: (page: number) => number): void {
  const rows = Array.from(
    { length: PAGES },
    (_, page) => `4096,${page},${contentOf(page).toString(16).padStart(8, "0")}`,
  );
  writeFileSync(path.join(folder, name), `page_bytes,page,fingerprint\n${rows.join("\n")}\n`);
}

function writeWorld(folder: string): void {
  writeTrace(folder, "a.csv", (page) => page % 20);
  writeTrace(folder, "b.csv", (page) => page % 30);
  writeFileSync(path.join(folder, "vms.csv"), "path,member,tenant\na.csv,a,red\nb.csv,b,blue\n");
}

const lines: [what: string, args: string[]][] = [
  ["an inventory alone", ["--inventory", "vms.csv"]],
  ["one policy", ["--inventory", "vms.csv", "--policy", "by:tenant", "--until", "3s"]],
  ["two policies", ["--inventory", "vms.csv", "--policy", "by:tenant", "--policy", "one-group"]],
  ["sources, rules and passes", ["a.csv", "x@5=b.csv", "--rules", "linux-3.6", "--until", "4 passes"]],
];

test.for(lines)("%s: the same results as the scenario that is printed", async ([, args], { folder }) => {
  writeWorld(folder);
  const yaml = await succeed(["replay", ...args, "--print-scenario"], { cwd: folder });
  writeFileSync(path.join(folder, "s.yaml"), yaml);
  await succeed(["replay", ...args, "--out", "of-options", "--quiet"], { cwd: folder });
  await succeed(["replay", "s.yaml", "--out", "of-file", "--quiet"], { cwd: folder });
  const [options, file] = ["of-options", "of-file"].map((out) => textsIn(path.join(folder, out)));
  expect({ ...options, "manifest.json": "" }).toEqual({ ...file, "manifest.json": "" });
});

describe("refused is", () => {
  const mistakes: [args: string[], says: string][] = [
    [[], "no scenario given; name one YAML file, or sources with --policy"],
    [["a.csv", "b.csv"], "several scenarios given; name one YAML file, or sources with --policy"],
    [
      ["s.yaml", "--policy", "one-group"],
      "s.yaml: --policy does not go with a scenario; write it into the scenario, or name sources",
    ],
    [["s.yaml", "--print-scenario"], "s.yaml: the scenario is a file already; leave out --print-scenario"],
    [["a.csv", "--until", "soon"], "until: a time such as 400s, N passes or rest is expected; see docs/replay.md"],
    [["a.csv", "--policy", "one-grup"], "unknown policy one-grup; did you mean one-group?"],
    [["--inventory", "vms.csv", "--policy", "by:tenat"], "no member has a label tenat; did you mean tenant?"],
    [
      ["a.csv", "--rules", "linux-6"],
      "--rules cannot be linux-6; choose from linux-2.6.36, linux-3.6, linux-6.1, linux-6.11, off",
    ],
  ];
  test.for(mistakes)("replay %j", async ([args, says], { folder }) => {
    writeWorld(folder);
    const { code, stdout, stderr } = await pagekin(["replay", ...args, "--out", "out"], { cwd: folder });
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: `pagekin: ${says}\n` });
  });
});
