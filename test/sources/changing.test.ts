// Files that change while they are read: whatever is changed, at whichever moment, is an error, and nothing is written.

import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { kdumpOf } from "../support/dumps/kdump.js";
import { limeFile } from "../support/dumps/lime.js";
import { test } from "../support/folder.js";
import { type Ended, ended, pagekin, start, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { randomBytes } from "../support/random.js";
import { writeSnapshots } from "../support/scenario.js";
import { because, HAS_ZSTD, IS_LINUX, run, zstd } from "../support/tools.js";

const PRELOAD = fileURLToPath(new URL("../support/change-input.mjs", import.meta.url));
const HOW = ["replaced", "truncated", "extended", "rewritten", "removed"] as const;
type How = (typeof HOW)[number];

const DUMP = dumpOf(Array.from({ length: 64 }, (_, i) => (i % 5 === 0 ? 0 : TINY + i)));
const LONG = randomBytes(256 * 1024, 5);
const KDUMP = { pages: { 0: randomBytes(4096, 1), 1: randomBytes(4096, 2), 2: randomBytes(4096, 3) } };

interface Kind {
  what: string;
  /** The file that changes. */
  file: string;
  /** Writes it and the others. */
  write(folder: string): void | Promise<void>;
  args: string[];
}

const source = (what: string, file: string, bytes: () => Uint8Array, args = ["analyze", file]): Kind => ({
  what,
  file,
  write: (folder) => writeFileSync(path.join(folder, file), bytes()),
  args,
});

const SCENARIO = (more: Record<string, unknown>) =>
  JSON.stringify({
    sources: ["a@0=a-0.csv", "b@0=b-0.csv"],
    policy: "one-group",
    until: "1s",
    ...more,
  });

const sideFile = (what: string, file: string, text: string, scenario: Record<string, unknown>): Kind => ({
  what,
  file,
  write: (folder) => {
    writeSnapshots(folder, [
      { member: "a", timeS: 0, pages: [1, 2, 3, 3] },
      { member: "b", timeS: 0, pages: [1, 2, 4, 0] },
    ]);
    if (file !== "s.yaml") writeFileSync(path.join(folder, file), text);
    writeFileSync(path.join(folder, "s.yaml"), SCENARIO(scenario));
  },
  args: ["replay", "s.yaml"],
});

async function writeTrace(folder: string): Promise<void> {
  writeFileSync(path.join(folder, "vm.raw"), DUMP);
  await succeed(["fingerprint", "vm.raw", "--out", "made", "--quiet"], { cwd: folder });
  writeFileSync(path.join(folder, "vm.parquet"), readFileSync(path.join(folder, "made/vm.parquet")));
}

async function writeSpectrum(folder: string): Promise<void> {
  writeFileSync(path.join(folder, "vm.raw"), DUMP);
  await succeed(["analyze", "vm.raw", "--out", "made", "--quiet"], { cwd: folder });
  writeFileSync(path.join(folder, "s.parquet"), readFileSync(path.join(folder, "made/spectrum.parquet")));
}

const withDump = (file: string, bytes: Uint8Array | string) => (folder: string) => {
  writeFileSync(path.join(folder, "vm.raw"), DUMP);
  writeFileSync(path.join(folder, file), bytes);
};

const csvTrace = () =>
  Buffer.from(
    `page_bytes,page,fingerprint\n${Array.from({ length: 300 }, (_, i) => `4096,${i},${i + 1e6}0\n`).join("")}`,
  );

const KINDS: Kind[] = [
  source("a raw dump", "vm.raw", () => DUMP),
  source("a dump that is read twice", "vm.raw", () => DUMP, ["analyze", "vm.raw", "--verify"]),
  source("a dump that becomes a trace", "vm.raw", () => DUMP, ["fingerprint", "vm.raw"]),
  source("a dump whose policies are scored", "vm.raw", () => DUMP, ["compare", "vm.raw"]),
  source("a dump of a process", "vm.raw", () => DUMP, ["processes", "vm.raw"]),
  source("a dump that is inspected", "vm.raw", () => DUMP, ["inspect", "vm.raw"]),
  source("a LiME dump", "vm.lime", () => limeFile([0, DUMP])),
  source("a gzip", "vm.gz", () => gzipSync(DUMP)),
  ...(HAS_ZSTD ? [source("a zstd file", "vm.zst", () => zstd(DUMP))] : []),
  source("a CSV trace", "vm.csv", csvTrace),
  source("a packed CSV trace", "vm.csv.gz", () => gzipSync(csvTrace())),
  { what: "a trace", file: "vm.parquet", write: writeTrace, args: ["analyze", "vm.parquet"] },
  { what: "a saved spectrum", file: "s.parquet", write: writeSpectrum, args: ["compare", "s.parquet"] },
  {
    what: "a part of a split dump",
    file: "part1",
    write: (folder) => {
      writeFileSync(path.join(folder, "part0"), kdumpOf({ ...KDUMP, part: [0, 1] }));
      writeFileSync(path.join(folder, "part1"), kdumpOf({ ...KDUMP, part: [1, 3] }));
    },
    args: ["analyze", "vm=part0+part1"],
  },
  {
    what: "an inventory",
    file: "i.csv",
    write: withDump("i.csv", "path,member,os\nvm.raw,vm,linux\n"),
    args: ["analyze", "--inventory", "i.csv"],
  },
  {
    what: "a map of resident pages",
    file: "map",
    write: withDump("map", Buffer.alloc(64, 0x55)),
    args: ["analyze", "vm.raw", "--resident", "map"],
  },
  {
    what: "a key",
    file: "key",
    write: withDump("key", randomBytes(64, 9)),
    args: ["fingerprint", "vm.raw", "--key-file", "key"],
  },
  {
    what: "the groups of a policy",
    file: "g.csv",
    write: withDump("g.csv", "member,group\nvm,one\n"),
    args: ["compare", "vm.raw", "--policy", "groups:g.csv"],
  },
  sideFile("a scenario", "s.yaml", "", {}),
  sideFile("events", "e.csv", "time_s,member,event,page,fingerprint\n0.5,a,drop,1,\n", { events: "e.csv" }),
  sideFile("the groups of a scenario's policy", "g.csv", "member,group\na,x\nb,y\n", { policy: "groups:g.csv" }),
  sideFile("the groups for regrouping", "g.csv", "member,group\na,x\nb,y\n", {
    regroup: { policy: "groups:g.csv", every: "500ms" },
  }),
];

const ERROR: Record<How, RegExp> = {
  replaced: /the file was replaced while it was read/,
  truncated: /the file was truncated while it was read/,
  extended: /the file grew while it was read/,
  rewritten: /the file was modified while it was read/,
  removed: /the file was removed while it was read/,
};

/** Files of the past, as a change within one tick of the clock could not be seen. */
function age(folder: string): void {
  for (const name of readdirSync(folder)) utimesSync(path.join(folder, name), 1e9, 1e9);
}

function expectRefused(folder: string, { code, stdout, stderr }: Ended, file: string, says: RegExp): void {
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
  expect(stderr).toContain(file);
  expect(stderr).toMatch(says);
  expect(existsSync(path.join(folder, "out"))).toBe(false);
}

describe("what changes is an error", () => {
  test.for(KINDS)("$what", async ({ file, write, args }, { folder }) => {
    const changed = path.join(realpathSync(folder), file);
    const changing = async (how?: How, close?: number) => {
      await write(folder);
      age(folder);
      const env = {
        NODE_OPTIONS: `--import=${PRELOAD}`,
        PAGEKIN_TEST_CHANGE: JSON.stringify({ file: changed, how, close }),
      };
      const out = args[0] === "inspect" ? [] : ["--out", "out"];
      return pagekin([...args, ...out], { cwd: folder, env });
    };
    // Undisturbed it works.
    expect(await changing()).toMatchObject({ code: 0, stderr: "" });
    const closes = Number(readFileSync(`${changed}.closes`, "utf8"));
    expect(closes).toBeGreaterThan(0);
    run("rm", "-rf", path.join(folder, "out"), `${changed}.closes`);
    // Each change after the first look at the file, and all after its last use; between these one each.
    for (let close = 1; close <= closes; close++) {
      for (const [i, how] of HOW.entries()) {
        if (close > 1 && close < closes && i !== close % HOW.length) continue;
        expectRefused(folder, await changing(how, close), file, ERROR[how]);
      }
    }
  });
});

describe.skipIf(!IS_LINUX)(`while a pipe is waited for${because(IS_LINUX, "this is no Linux")}`, () => {
  const changes: Partial<Record<How, (file: string) => void>> = {
    replaced: (file) => {
      copyFileSync(file, `${file}.new`);
      renameSync(`${file}.new`, file);
    },
    extended: (file) => appendFileSync(file, DUMP),
  };

  test.for(["replaced", "extended"] as const)("a file that is %s is an error", async (how, { folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    age(folder);
    run("mkfifo", path.join(folder, "pipe"));
    const child = start(["analyze", "vm.raw", "slow=pipe", "--out", "out"], { cwd: folder });
    const end = ended(child);
    const pipe = createWriteStream(path.join(folder, "pipe"));
    await once(pipe, "open");
    // Its first bytes are looked at when vm.raw was; the rest is not there yet.
    pipe.write(LONG.subarray(0, 96 * 1024));
    while (!readdirSync(folder).some((name) => name.startsWith(".pagekin-"))) await sleep(10);
    changes[how]?.(path.join(folder, "vm.raw"));
    pipe.end(LONG.subarray(96 * 1024));
    expectRefused(folder, await end, "vm.raw", ERROR[how]);
  });
});
