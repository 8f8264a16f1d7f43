// What a process may use: made-up control groups, real ones where they can be made, affinity, and limits of the address space.

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { describe, expect } from "vitest";
import { usableMemory, usableProcessors } from "../../src/system/machine.js";
import { test } from "../support/folder.js";
import { type Ended, type HowToRun, pagekin, succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { because, has, IS_LINUX } from "../support/tools.js";

const MIB = 2 ** 20;

/** A root folder with some files. */
function write(root: string, files: Record<string, string>): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), `${text}\n`);
  }
  return root;
}

const V2 = "29 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const V1 = [
  "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
  "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
].join("\n");
const IN_A_V1 = "4:memory:/a\n1:cpu,cpuacct:/a\n0::/";
const NO_LIMIT_V1 = "9223372036854771712";

type Case = [
  what: string,
  files: Record<string, string>,
  mebibytes: number | undefined,
  processors: number | undefined,
];

const CASES: Case[] = [
  ["no /proc at all", {}, undefined, undefined],
  [
    "version 2, without limits",
    {
      "proc/self/cgroup": "0::/a",
      "proc/self/mountinfo": V2,
      "sys/fs/cgroup/a/memory.max": "max",
      "sys/fs/cgroup/a/memory.high": "max",
      "sys/fs/cgroup/a/cpu.max": "max 100000",
    },
    undefined,
    undefined,
  ],
  [
    "version 2, limits of the group itself",
    {
      "proc/self/cgroup": "0::/a",
      "proc/self/mountinfo": V2,
      "sys/fs/cgroup/a/memory.max": `${64 * MIB}`,
      "sys/fs/cgroup/a/cpu.max": "50000 100000",
    },
    64,
    1,
  ],
  [
    "version 2, the smallest on the way up, memory.high among them",
    {
      "proc/self/cgroup": "0::/pods/pod/container",
      "proc/self/mountinfo": V2,
      "sys/fs/cgroup/pods/memory.max": `${200 * MIB}`,
      "sys/fs/cgroup/pods/cpu.max": "90000 100000",
      "sys/fs/cgroup/pods/pod/memory.max": `${150 * MIB}`,
      "sys/fs/cgroup/pods/pod/memory.high": `${100 * MIB}`,
      "sys/fs/cgroup/pods/pod/cpu.max": "max 100000",
      "sys/fs/cgroup/pods/pod/container/memory.max": `${180 * MIB}`,
      "sys/fs/cgroup/pods/pod/container/cpu.max": "1000000 100000",
      "sys/fs/cgroup/other/memory.max": `${1 * MIB}`,
    },
    100,
    1,
  ],
  [
    "version 2, in a namespace, which shows its own group as the root",
    { "proc/self/cgroup": "0::/", "proc/self/mountinfo": V2, "sys/fs/cgroup/memory.max": `${70 * MIB}` },
    70,
    undefined,
  ],
  [
    "version 1",
    {
      "proc/self/cgroup": IN_A_V1,
      "proc/self/mountinfo": V1,
      "sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1,
      "sys/fs/cgroup/memory/a/memory.limit_in_bytes": `${96 * MIB}`,
      "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "20000",
      "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "50000",
    },
    96,
    1,
  ],
  [
    "version 1, without limits",
    {
      "proc/self/cgroup": IN_A_V1,
      "proc/self/mountinfo": V1,
      "sys/fs/cgroup/memory/a/memory.limit_in_bytes": NO_LIMIT_V1,
      "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "-1",
      "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000",
    },
    undefined,
    undefined,
  ],
  [
    "version 1, of which a container sees its own part alone",
    {
      "proc/self/cgroup": "4:memory:/docker/1f/inner",
      "proc/self/mountinfo": "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro master:1 - cgroup cgroup rw,memory",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": `${80 * MIB}`,
      "sys/fs/cgroup/memory/inner/memory.limit_in_bytes": NO_LIMIT_V1,
    },
    80,
    undefined,
  ],
  [
    "a group outside of what is mounted",
    {
      "proc/self/cgroup": "4:memory:/system/x",
      "proc/self/mountinfo": "35 31 0:32 /docker/1f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": `${80 * MIB}`,
    },
    80,
    undefined,
  ],
  [
    "both versions at once, and a folder with a space",
    {
      "proc/self/cgroup": "4:memory:/a\n0::/a",
      "proc/self/mountinfo": `38 31 0:38 / /my\\040groups/unified rw - cgroup2 cgroup2 rw\n39 31 0:39 / /my\\040groups/memory rw - cgroup none rw,memory`,
      "my groups/unified/a/cgroup.procs": "",
      "my groups/memory/a/memory.limit_in_bytes": `${48 * MIB}`,
    },
    48,
    undefined,
  ],
];

describe("made-up control groups", () => {
  test.for(CASES)("%s", async ([, files, mebibytes, processors], { folder }) => {
    const root = write(folder, files);
    const none = write(path.join(folder, "none"), {});
    expect(usableMemory(root)).toBe(mebibytes === undefined ? usableMemory(none) : mebibytes * MIB);
    expect(usableProcessors(root)).toBe(processors ?? availableParallelism());
  });

  test("a part of a processor counts whole", async ({ folder }) => {
    const root = write(folder, {
      "proc/self/cgroup": "0::/a",
      "proc/self/mountinfo": V2,
      "sys/fs/cgroup/a/cpu.max": "120000 100000",
    });
    expect(usableProcessors(root)).toBe(Math.min(2, availableParallelism()));
  });
});

/** The manifest of a run. */
async function manifestOf(folder: string, how: HowToRun) {
  writeFileSync(path.join(folder, "vm.raw"), randomBytes(256 * 1024, 1));
  await succeed(["analyze", "vm.raw", "--out", "out", "--quiet"], { cwd: folder, ...how });
  return JSON.parse(readFileSync(path.join(folder, "out/manifest.json"), "utf8"));
}

/** Makes a control group with one limit where that can be done; gives its folder. */
function makeGroup(controller: string, limits: Record<string, Record<string, string>>): string | undefined {
  for (const [parent, files] of Object.entries(limits)) {
    const group = `${parent}/pagekin-test-${controller}-${process.pid}`;
    try {
      mkdirSync(group);
      try {
        // Only the system's own files may be written, which are there by now.
        for (const [file, text] of Object.entries(files)) writeFileSync(`${group}/${file}`, text, { flag: "r+" });
        return group;
      } catch {
        rmdirSync(group);
      }
    } catch {
      // The other version may be there.
    }
  }
  return undefined;
}

const WITH_MEMORY = {
  "/sys/fs/cgroup": { "memory.max": `${512 * MIB}` },
  "/sys/fs/cgroup/memory": { "memory.limit_in_bytes": `${512 * MIB}` },
};
const WITH_CPU = {
  "/sys/fs/cgroup": { "cpu.max": "100000 100000" },
  "/sys/fs/cgroup/cpu": { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000" },
};

/** Whether a group can be made with a controller's limit. */
function can(controller: string, limits: Record<string, Record<string, string>>): boolean {
  const group = makeGroup(controller, limits);
  if (group !== undefined) rmdirSync(group);
  return group !== undefined;
}

const CAN_LIMIT = can("memory", WITH_MEMORY) && can("cpu", WITH_CPU);

describe.skipIf(!CAN_LIMIT)(`in real control groups${because(CAN_LIMIT, "none can be made here")}`, () => {
  async function inGroup(controller: string, limits: typeof WITH_CPU | typeof WITH_MEMORY, folder: string) {
    const group = makeGroup(controller, limits) ?? "";
    try {
      return await manifestOf(folder, { before: `echo $$ > ${group}/cgroup.procs` });
    } finally {
      rmdirSync(group);
    }
  }

  test("the limit of memory is what there is, and half of it is for the index", async ({ folder }) => {
    const { machine, options } = await inGroup("memory", WITH_MEMORY, folder);
    expect(machine.memory_bytes).toBe(512 * MIB);
    expect(options["max-memory"]).toBe(256 * MIB);
  });

  test("the quota of processor time is what processors there are", async ({ folder }) => {
    expect((await inGroup("cpu", WITH_CPU, folder)).machine.processors).toBe(1);
  });
});

const CAN_PIN = IS_LINUX && has("taskset");

test.skipIf(!CAN_PIN)("only the processors of the affinity count", async ({ folder }) => {
  const { machine } = await manifestOf(folder, { before: "taskset -cp 0 $$ > /dev/null" });
  expect(machine.processors).toBe(1);
});

describe.skipIf(!IS_LINUX)(`with a limit of the address space${because(IS_LINUX, "this is no Linux")}`, () => {
  const WITHOUT_GUARDS = { NODE_OPTIONS: "--disable-wasm-trap-handler" };

  async function run(folder: string, kib: number, args: string[], env: Record<string, string> = {}): Promise<Ended> {
    writeFileSync(path.join(folder, "vm.raw"), randomBytes(256 * 1024, 1));
    return pagekin([...args, "--out", "out", "--quiet"], { cwd: folder, env, before: `ulimit -v ${kib}` });
  }

  test("too low for WebAssembly, one line says what helps, and that helps", async ({ folder }) => {
    const refused = await run(folder, 3e6, ["analyze", "vm.raw"]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/^pagekin: [^\n]*ulimit -v[^\n]*NODE_OPTIONS=--disable-wasm-trap-handler[^\n]*\n$/);
    expect(await run(folder, 3e6, ["analyze", "vm.raw"], WITHOUT_GUARDS)).toMatchObject({ code: 0, stderr: "" });
  });

  test("there is room for so many threads, and one line says for how many", async ({ folder }) => {
    const refused = await run(folder, 2e6, ["analyze", "vm.raw", "--workers", "64"], WITHOUT_GUARDS);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    const most = /^pagekin: [^\n]* no room for 64 threads; give --workers (\d+), [^\n]*ulimit -v\)\n$/.exec(
      refused.stderr,
    );
    expect(Number(most?.[1])).toBeGreaterThanOrEqual(1);
    const some = ["analyze", "vm.raw", "--workers", most?.[1] ?? ""];
    expect(await run(folder, 2e6, some, WITHOUT_GUARDS)).toMatchObject({ code: 0, stderr: "" });
  });
});
