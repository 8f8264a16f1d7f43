// pagekin processes --live, on processes that the tests start: some by their numbers, and all of a namespace of their own, so
// that nobody else's memory is looked at.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { MAIN, succeed } from "../support/pagekin.js";
import { expectRefused } from "../support/refused.js";
import { onlyRow, rate, rowsOf } from "../support/table.js";
import { because, has, IS_LINUX, IS_ROOT, run } from "../support/tools.js";

const COUNTER = fileURLToPath(new URL("../support/count-pages.py", import.meta.url));
const IS_READABLE = IS_LINUX && IS_ROOT && has("python3");
const WHY = because(IS_READABLE, "needs Linux, root and python3");
const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const HAS_NAMESPACES = IS_READABLE && spawnSync(UNSHARE[0], [...UNSHARE.slice(1), "true"]).status === 0;

/** Holds pages that are known, in addition to what Python has: of a process's own, twice each, and some that all have. */
const PROGRAM = `
import mmap, sys
own, twice, all, zeros = map(int, sys.argv[2:])
first = int(sys.argv[1]) * 10 ** 9
contents = [first + i for i in range(own)] + 2 * [first + 10 ** 8 + i for i in range(twice)]
contents += list(range(1, all + 1)) + [0] * zeros
memory = mmap.mmap(-1, 4096 * len(contents), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for page, content in enumerate(contents):
    memory[4096 * page : 4096 * (page + 1)] = content.to_bytes(16, "little") * 256
# Read and never written: the kernel's zero page, which is nobody's.
untouched = mmap.mmap(-1, 4096 * 1000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
sum(untouched[::4096])
# Of all processes that have it.
shared = mmap.mmap(-1, 4096 * 1000)
shared.write(b"x" * 4096 * 1000)
print("ready", flush=True)
sys.stdin.read()
`;

type Held = [own: number, twice: number, all: number, zeros: number];

interface Running extends AsyncDisposable {
  pids: number[];
}

/** Starts processes that hold such pages, and stops them where they are. */
async function start(...held: Held[]): Promise<Running> {
  const children: ChildProcess[] = [];
  const end = async () => {
    for (const child of children) {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
  };
  try {
    for (const [i, numbers] of held.entries()) {
      const child = spawn("python3", ["-c", PROGRAM, ...[i + 1, ...numbers].map(String)], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      await once(child.stdout as NodeJS.ReadableStream, "data");
    }
    const pids = children.map(({ pid }) => pid as number);
    for (const pid of pids) {
      process.kill(pid, "SIGSTOP");
      while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) await wait(5);
    }
    return { pids, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

const live = (folder: string, pids: readonly number[], ...args: string[]) => {
  const numbers = pids.flatMap((pid) => ["--pid", String(pid)]);
  return succeed(["processes", "--live", ...numbers, "--out", "out", ...args], { cwd: folder });
};

describe.skipIf(!IS_READABLE)(`of processes that run${WHY}`, () => {
  test("pages and rates are those that a count of whole pages gives", async ({ folder }) => {
    await using running = await start([800, 500, 300, 200], [100, 0, 300, 50], [50, 20, 0, 0]);
    await live(folder, running.pids, "--sample", "1", "--min-resident", "4m", "--min-sharing", "0.2");
    const counted = JSON.parse(execFileSync("python3", [COUNTER, ...running.pids.map(String)], { encoding: "utf8" }));
    const rows = rowsOf(path.join(folder, "out"), "processes.csv");
    for (const [i, pid] of running.pids.entries()) {
      const { pages, contents, shared } = counted[i];
      const both = rate(pages - contents + shared, pages);
      const row = onlyRow(rows, { pid: String(pid) });
      expect(row).toMatchObject({ resident_pages: String(pages), sampled_pages: String(pages) });
      expect(row).toMatchObject({
        self_sharing_rate: rate(pages - contents, pages),
        inter_sharing_rate: rate(shared, pages),
      });
      expect(row).toMatchObject({ rate_low: both, rate_high: both, name: expect.stringMatching(/^python/) });
      expect(row.member).toBe(`${row.name}-${pid}`);
    }
    // What the first has of known pages: 500 in twos, 199 zero pages beyond one, and 300 + 1 contents that others have.
    const [first] = rows;
    expect(first.pid).toBe(String(running.pids[0]));
    expect(Number(first.self_sharing_rate) * Number(first.resident_pages)).toBeGreaterThan(500 + 199 - 1);
    expect(Number(first.inter_sharing_rate) * Number(first.resident_pages)).toBeGreaterThan(300);
    expect(rows.filter(({ selected }) => selected === "true")).toEqual([first]);
    expect(rowsOf(path.join(folder, "out"), "private.csv")).toEqual([{ member: first.member, pid: first.pid }]);
  });

  test("a sample gives the same pages, and intervals", async ({ folder }) => {
    await using running = await start([1500, 300, 300, 400], [700, 0, 300, 0]);
    await live(folder, running.pids, "--sample", "1");
    const exact = rowsOf(path.join(folder, "out"), "processes.csv");
    await live(folder, running.pids, "--sample", "0.2");
    for (const row of rowsOf(path.join(folder, "out"), "processes.csv")) {
      const truth = onlyRow(exact, { pid: row.pid });
      expect(row.resident_pages).toBe(truth.resident_pages);
      const [both, exactly] = [row, truth].map((one) => Number(one.self_sharing_rate) + Number(one.inter_sharing_rate));
      expect(Math.abs(both - exactly)).toBeLessThan(Number(row.rate_high) - Number(row.rate_low));
    }
  });

  test("more memory than the bound for fingerprints gives the same", async ({ folder }) => {
    // Over 65,536 pages a bound of 1 MiB is passed.
    await using running = await start([70_000, 1000, 100, 10], [3000, 0, 100, 0]);
    const tables = [];
    for (const bound of [["--max-memory", "1m"], []]) {
      await live(folder, running.pids, "--sample", "1", "--quiet", ...bound);
      tables.push(readFileSync(path.join(folder, "out", "processes.csv"), "utf8"));
    }
    expect(tables[0]).toBe(tables[1]);
    expect(tables[0]).toContain(String(running.pids[0]));
  });

  test("what a fork left in common is one frame already", async ({ folder }) => {
    const forking = `import os, sys
memory = bytearray(b"".join(i.to_bytes(8, "little") * 512 for i in range(2000)))
child = os.fork()
if child: print(os.getpid(), child, flush=True)
sys.stdin.read()`;
    const parent = spawn("python3", ["-c", forking], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const [line] = await once(parent.stdout, "data");
      const pids = String(line).trim().split(" ").map(Number);
      await live(folder, pids, "--sample", "1");
      for (const row of rowsOf(path.join(folder, "out"), "processes.csv")) {
        expect(Number(row.fork_shared_pages)).toBeGreaterThanOrEqual(2000);
        expect(Number(row.resident_pages)).toBeLessThan(2000);
      }
    } finally {
      const exit = once(parent, "exit");
      parent.stdin.end();
      await exit;
    }
  });

  test("a number that is given twice is one process", async ({ folder }) => {
    await using running = await start([100, 0, 0, 0]);
    const [pid] = running.pids;
    await live(folder, [pid, pid], "--sample", "1");
    const [row, ...others] = rowsOf(path.join(folder, "out"), "processes.csv");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ pid: String(pid), inter_sharing_rate: rate(0, 1) });
  });

  test("members are named as capture process names them, so that compare finds the group", async ({ folder }) => {
    copyFileSync(execFileSync("sh", ["-c", "command -v sleep"], { encoding: "utf8" }).trim(), `${folder}/(a: b@1)`);
    const child = spawn(path.join(folder, "(a: b@1)"), ["100"]);
    try {
      await once(child, "spawn");
      await live(folder, [child.pid as number], "--sample", "1", "--min-resident", "4k", "--min-sharing", "0");
      const how = { cwd: folder };
      await succeed(["capture", "process", String(child.pid), "--out", "captured", "--quiet"], how);
      const policy = ["--policy", "private:out/private.csv,per-member"];
      await succeed(["compare", "--inventory", "captured/inventory.csv", ...policy, "--out", "compared"], how);
      const groups = rowsOf(path.join(folder, "compared"), "members.csv").map(({ group }) => group);
      expect(new Set(groups)).toEqual(new Set(["private"]));
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("a number that no process has is refused", async ({ folder }) => {
    await expectRefused(
      folder,
      ["processes", "--live", "--pid", "999999999"],
      [/there is no process 999999999 with memory/],
    );
    await expectRefused(folder, ["processes", "--live", "--pid", "x"], [/--pid x/]);
  });

  test("who may not read a process is told so", async ({ folder, skip }) => {
    await using running = await start([10, 0, 0, 0]);
    chmodSync(folder, 0o777);
    const nobody = { uid: 65534, gid: 65534 };
    const args = ["processes", "--live", "--pid", String(running.pids[0]), "--out", path.join(folder, "out")];
    if (spawnSync(process.execPath, [MAIN, "--version"], nobody).status !== 0) skip("nobody cannot run pagekin here");
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { ...nobody, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining("no process may be read") });
  });
});

test.skipIf(!HAS_NAMESPACES)(
  `of all processes virtual machines, pagekin itself and nobody else are left out${because(HAS_NAMESPACES, "needs root and unshare")}`,
  async ({ folder }) => {
    const hasKvm = existsSync("/dev/kvm");
    writeFileSync(
      path.join(folder, "run.sh"),
      `cp "$(command -v sleep)" qemu-system-x86_64
./qemu-system-x86_64 100 & qemu=$!
python3 -c 'import sys; x = bytearray(b"ab" * 3000000); print(1, flush=True); sys.stdin.read()' < fifo > ready & python=$!
sleep 100 & sleeper=$!
${hasKvm ? "sleep 100 3</dev/kvm" : "./qemu-system-x86_64 100"} & vm=$!
exec 9> fifo
until [ -s ready ]; do sleep 0.05; done
until [ "$(cat /proc/$qemu/comm)" = qemu-system-x86 ]; do sleep 0.05; done
until [ "$(cat /proc/$vm/comm)" != sh ]; do sleep 0.05; done
echo $qemu $python $sleeper $vm > pids
exec "$NODE" "$MAIN" processes --live --sample 1 --min-resident 1m --out out
`,
    );
    run("mkfifo", path.join(folder, "fifo"));
    const env = { PATH: process.env.PATH, MAIN, NODE: process.execPath };
    const summary = execFileSync(UNSHARE[0], [...UNSHARE.slice(1), "sh", "run.sh"], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    const [qemu, python, sleeper, vm] = readFileSync(path.join(folder, "pids"), "utf8").trim().split(" ");
    const rows = rowsOf(path.join(folder, "out"), "processes.csv");
    expect(rows.map(({ pid }) => pid)).toEqual([python, sleeper]);
    expect(rows.map(({ selected }) => selected)).toEqual(["true", "false"]);
    expect(summary).toMatch(new RegExp(`left out: [^\\n]*\\(${qemu}\\)`));
    expect(summary).toMatch(new RegExp(`left out: [^\\n]*\\(${vm}\\)`));
    expect(Math.max(...summary.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  },
);
