// What people give in place of a source or an inventory, and what they are told.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "../support/folder.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused } from "../support/refused.js";

const FILES: Record<string, string> = {
  "inventory.csv": "path,member,os\na.raw,vm,linux\n",
  "labels.csv": "member,os\nvm,linux\n",
  "semicolons.csv": "path;member;time_s\na.raw;vm;0\n",
  "tabs.csv": "path\tmember\na.raw\tvm\n",
  "other.csv": "name,file,time\nvm,a.raw,0\n",
  "case.csv": "Path,Member\na.raw,vm\n",
  "time.csv": "path,member,time\na.raw,vm,5\n",
  "times.csv": "path,times\na.raw,5\n",
  "none.csv": "os,tenant\nlinux,red\n",
};

const mistakes: [args: string[], says: string][] = [
  [["dumps"], "dumps: is a folder; name its files, such as dumps/*"],
  [["inventory.csv"], "inventory.csv: this is an inventory, not a source; give it with --inventory"],
  [["labels.csv"], "labels.csv: this is an inventory, not a source; give it with --inventory"],
  [
    ["semicolons.csv"],
    "semicolons.csv: line 1: columns are separated by semicolons, not by commas; separate them by commas",
  ],
  [
    ["other.csv"],
    "other.csv: not a CSV trace: its columns are name, file, time; a trace needs page_bytes, page and fingerprint; an inventory is given with --inventory",
  ],
  [["a.rew"], "a.rew: no such file; did you mean a.raw?"],
  [["b"], "b: no such file; check the path"],
  [["none/a.raw"], "none/a.raw: no such file; check the path"],
  [
    ["--inventory", "semicolons.csv"],
    "semicolons.csv: line 1: columns are separated by semicolons, not by commas; give the columns path, member, time_s and labels",
  ],
  [
    ["--inventory", "tabs.csv"],
    "tabs.csv: line 1: columns are separated by tabs, not by commas; give the columns path, member, time_s and labels",
  ],
  [
    ["--inventory", "other.csv"],
    "other.csv: line 1: no column path or member: its columns are name, file, time; rename file to path, name to member, time to time_s",
  ],
  [
    ["--inventory", "case.csv"],
    "case.csv: line 1: no column path or member: its columns are Path, Member; rename Path to path, Member to member",
  ],
  [["--inventory", "time.csv"], "time.csv: line 1: unknown column time; did you mean time_s?"],
  [["--inventory", "times.csv"], "times.csv: line 1: unknown column times; did you mean time_s?"],
  [
    ["--inventory", "none.csv"],
    "none.csv: line 1: no column path or member: its columns are os, tenant; name one path (files) or member (to label members)",
  ],
  [["--inventory", "dumps"], "dumps: is a folder; name a file"],
  [["a.raw", "--resident", "aa=a.raw"], "--resident names aa, which has no source; did you mean a?"],
];

test.for(mistakes)("analyze %j", async ([args, says], { folder }) => {
  mkdirSync(path.join(folder, "dumps"));
  writeFileSync(path.join(folder, "a.raw"), dumpOf([TINY, 0, 0, TINY]));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(folder, name), text);
  const line = new RegExp(`^pagekin: ${says.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`, "m");
  await expectRefused(folder, ["analyze", ...args], [line]);
});
