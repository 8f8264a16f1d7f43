import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { openCore } from "../support/core-reader.js";
import { test as base, textsIn } from "../support/folder.js";
import { ended, MAIN, pagekin, start, succeed } from "../support/pagekin.js";
import {
  type Patterned,
  patternOf,
  READ_ONLY_PAGE,
  seesFrames,
  startPatterned,
  stateOf,
  whyNotReadable,
} from "../support/patterned.js";
import { CAN_MOUNT, withDisk } from "../support/tmpfs.js";

import { because, canNobodyRead, has, IS_LINUX, IS_ROOT, run } from "../support/tools.js";

const PAGE = 4096;
const PAGES = 4096;
const why = whyNotReadable();

const test = base.extend<{ subject: Patterned }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the fixtures in use from the pattern
  subject: async ({}, use) => {
    const subject = await startPatterned(PAGES);
    await use(subject);
    subject.end();
  },
});

/** Reserves 16 TiB, as programs under AddressSanitizer and some garbage collectors do. */
const RESERVING = `
import ctypes, sys
MAP = 0x02 | 0x20 | 0x4000
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mmap(None, 16 << 40, 0, MAP, -1, 0)
print("ready", flush=True)
sys.stdin.read()
`;

/** Holds 64 KiB of secret memory: memfd_secret is 447 on all machines. */
const SECRET = `
import ctypes, mmap, os, sys
fd = ctypes.CDLL(None).syscall(447, 0)
if fd < 0:
    print("none", flush=True)
else:
    os.ftruncate(fd, 65536)
    memory = mmap.mmap(fd, 65536)
    memory.write(b"s" * 65536)
    print("ready", flush=True)
sys.stdin.read()
`;

/** The pages that were written are there with what they hold; the others are not. */
function expectPattern(file: string, pages: number): void {
  const core = openCore(file, "vaddr");
  const first = [...core.pages()].find((address) => core.page(address)?.equals(patternOf(0)));
  expect(first).toBeDefined();
  const base = first as number;
  const different: number[] = [];
  for (let page = 0; page < pages; page++) {
    const there = core.page(base + page * PAGE);
    if (page % 2 === 1 && page === READ_ONLY_PAGE && !seesFrames()) continue;
    if (page % 2 === 0 ? !there?.equals(patternOf(page)) : there !== undefined) different.push(page);
  }
  expect(different).toEqual([]);
  core.close();
}

describe.skipIf(why !== undefined)(`a process that runs${because(why === undefined, why ?? "")}`, () => {
  test("is captured page for page, and what it never touched is absent", async ({ folder, subject }) => {
    const out = path.join(folder, "out");
    const said = await succeed(["capture", "process", `app=${subject.pid}`, "--stop", "--out", out]);
    expect(said).toMatch(/^0 s: app [\d.]+ MiB; held for [\d.]+ s\n/);
    expectPattern(path.join(out, "app@0.elf"), PAGES);
    await subject.goesOn();

    expect(textsIn(out)["inventory.csv"]).toBe("path,member,time_s\napp@0.elf,app,0\n");
    for (const file of readdirSync(out)) expect(statSync(path.join(out, file)).mode & 0o777, file).toBe(0o600);
    const seen = JSON.parse(await succeed(["inspect", path.join(out, "app@0.elf"), "--json"]));
    expect(seen).toMatchObject({ format: "elf", address_space: "virtual" });
    expect(seen.details).toMatchObject({ kind: "process", pid: subject.pid, name: path.basename(process.execPath) });
    expect(seen.details.mappings.map(({ file }: { file: string }) => file)).toContain(process.execPath);
    expect(seen.ledger.absent_bytes).toBeGreaterThanOrEqual((PAGES / 2) * PAGE);
    expect(seen.ledger.outside_ram_bytes).toBe(0);
  });

  test("is read while it runs", async ({ folder, subject }) => {
    const out = path.join(folder, "out");
    const said = await succeed(["capture", "process", String(subject.pid), "--out", out]);
    expect(said).toMatch(/^0 s: node-\d+ [\d.]+ MiB\n/);
    expectPattern(path.join(out, `node-${subject.pid}@0.elf`), PAGES);
  });

  test("gives the same trace straight from memory as by way of a dump", async ({ folder, subject }) => {
    // Stopped before: so it holds the same both times, and stays stopped.
    subject.child.kill("SIGSTOP");
    while (stateOf(subject.pid) !== "T") await sleep(5);
    const capture = ["capture", "process", `app=${subject.pid}`, "--stop", "--quiet"];
    await succeed([...capture, "--out", path.join(folder, "dump")]);
    await succeed([...capture, "--out", path.join(folder, "trace"), "--fingerprint"]);
    expect(stateOf(subject.pid)).toBe("T");
    expect(readdirSync(path.join(folder, "trace"))).toContain("app@0.parquet");
    for (const [kind, file] of [
      ["dump", "app@0.elf"],
      ["trace", "app@0.parquet"],
    ] as const) {
      const out = path.join(folder, `tables-${kind}`);
      await succeed(["analyze", path.join(folder, kind, file), "--out", out, "--quiet"]);
    }
    const tables = ["dump", "trace"].map((kind) => textsIn(path.join(folder, `tables-${kind}`)));
    for (const table of ["self.csv", "copies.csv", "page_sizes.csv"]) expect(tables[1][table]).toBe(tables[0][table]);
  });

  test("can be captured without what is of files", async ({ folder, subject }) => {
    const out = path.join(folder, "out");
    await succeed(["capture", "process", `app=${subject.pid}`, "--anonymous-only", "--out", out, "--quiet"]);
    const file = path.join(out, "app@0.elf");
    expectPattern(file, PAGES);
    const core = openCore(file, "vaddr");
    const isCode = ({ type, flags, stored }: { type: number; flags: number; stored: number }) =>
      type === 1 && flags === 5 && stored > 0;
    expect(core.segments.filter(isCode)).toEqual([]);
    core.close();
  });

  test("may have more segments than the header can count", async ({ folder }) => {
    const pages = 70_000;
    const subject = await startPatterned(pages);
    try {
      const out = path.join(folder, "out");
      await succeed(["capture", "process", `app=${subject.pid}`, "--stop", "--out", out, "--quiet"]);
      const file = path.join(out, "app@0.elf");
      const core = openCore(file, "vaddr");
      expect(core.countInHeader).toBe(0xffff);
      expect(core.segments.length).toBeGreaterThan(pages);
      core.close();
      expectPattern(file, pages);
      await succeed(["inspect", file]);
      if (has("readelf")) run("readelf", "-lW", file);
    } finally {
      subject.end();
    }
  });

  test("goes on when the capture is interrupted or killed", async ({ folder }) => {
    const subject = await startPatterned(65_536);
    try {
      for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
        const out = path.join(folder, signal);
        const child = start(["capture", "process", `app=${subject.pid}`, "--stop", "--out", out]);
        while (stateOf(subject.pid) !== "T") await sleep(1);
        child.kill(signal);
        await subject.goesOn();
        // What was killed leaves its unfinished files to the next run.
        if (signal === "SIGKILL") expect(readdirSync(out).filter((file) => !file.startsWith("."))).toEqual([]);
        else expect(existsSync(out)).toBe(false);
        await succeed(["capture", "process", `app=${subject.pid}`, "--stop", "--out", out, "--quiet"]);
        expect(readdirSync(out).sort()).toEqual(["app@0.elf", "capture.json", "inventory.csv"]);
      }
    } finally {
      subject.end();
    }
  });

  test("is captured by one pagekin at a time in a folder", async ({ folder, subject }) => {
    const args = ["capture", "process", `app=${subject.pid}`, "--every", "500ms", "--for", "1s"];
    const child = start([...args, "--out", "new/out"], { cwd: folder });
    const end = ended(child);
    symlinkSync(path.join(folder, "new"), path.join(folder, "same"));
    while (bytesUnder(path.join(folder, "new")) === 0) await sleep(1);
    const second = await pagekin([...args, "--out", "same/out"], { cwd: folder });
    expect(second).toMatchObject({ code: 2, stdout: "" });
    expect(second.stderr).toMatch(/^pagekin: same\/out: another pagekin capture writes to this folder; wait[^\n]+\n$/);
    expect(await end).toMatchObject({ code: 0, stderr: "" });
    const files = ["app@0.5.elf", "app@0.elf", "app@1.elf", "capture.json", "inventory.csv"];
    expect(readdirSync(path.join(folder, "new/out")).sort()).toEqual(files);
  });

  test.for([["runs"], ["is stopped", "--stop"]])(
    "that ends while it is read and %s is no snapshot",
    async ([, ...how], { folder }) => {
      const subject = await startPatterned(65_536);
      const child = start(["capture", "process", `app=${subject.pid}`, ...how, "--out", "out"], { cwd: folder });
      const end = ended(child);
      while (bytesUnder(path.join(folder, "out")) === 0) await sleep(1);
      subject.end();
      expect(await end).toMatchObject({ code: 2, stdout: "" });
      expect((await end).stderr).toMatch(/^pagekin: process \d+: (there is no such process|has no memory)[^\n]+\n$/);
      expect(existsSync(path.join(folder, "out"))).toBe(false);
    },
  );

  test("may reserve much more than there is, which takes no time", async ({ folder, skip }) => {
    if (!has("python3")) skip("needs python3");
    const reserving = spawn("python3", ["-c", RESERVING], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(reserving.stdout, "data");
      await succeed(["capture", "process", `app=${reserving.pid}`, "--stop", "--out", "out", "--quiet"], {
        cwd: folder,
      });
      const core = openCore(path.join(folder, "out/app@0.elf"), "vaddr");
      expect(core.segments.find(({ bytes }) => bytes >= 16 * 2 ** 40)).toMatchObject({ stored: 0, flags: 0 });
      core.close();
      expect(JSON.parse(textsIn(path.join(folder, "out"))["capture.json"]).snapshots[0].heldMs).toBeLessThan(5000);
    } finally {
      reserving.kill("SIGKILL");
    }
  });

  test("has memory that nobody may read: that is absent from dumps and traces", async ({ folder, skip }) => {
    if (!has("python3")) skip("needs python3");
    const secret = spawn("python3", ["-c", SECRET], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const [line] = await once(secret.stdout, "data");
      if (String(line) !== "ready\n") skip("this kernel has no secret memory");
      const capture = ["capture", "process", `app=${secret.pid}`, "--stop"];
      for (const [kind, ...more] of [["dump"], ["trace", "--fingerprint"]]) {
        const said = await succeed([...capture, ...more, "--out", path.join(folder, kind)]);
        expect(said).toMatch(/Note: app: 65536 bytes could not be read, and are absent/);
      }
      for (const file of ["dump/app@0.elf", "trace/app@0.parquet"]) {
        const out = path.join(folder, path.dirname(file), "tables");
        await succeed(["analyze", path.join(folder, file), "--out", out, "--quiet"]);
      }
      const tables = ["dump", "trace"].map((kind) => textsIn(path.join(folder, kind, "tables")));
      for (const table of ["self.csv", "copies.csv"]) expect(tables[1][table]).toBe(tables[0][table]);
    } finally {
      secret.kill("SIGKILL");
    }
  });

  test("that ended before the next snapshot is named", async ({ folder, subject }) => {
    const args = ["--stop", "--anonymous-only", "--every", "1s", "--for", "1s", "--out", "out", "--quiet"];
    const child = start(["capture", "process", `app=${subject.pid}`, ...args], { cwd: folder });
    const end = ended(child);
    while (!existsSync(path.join(folder, "out/inventory.csv"))) await sleep(5);
    subject.end();
    expect(await end).toMatchObject({
      code: 2,
      stderr: `pagekin: process ${subject.pid}: there is no such process with memory; see ps for those that run; threads of the kernel and those that have ended have no memory\n`,
    });
    expect(readdirSync(path.join(folder, "out")).sort()).toEqual(["app@0.elf", "capture.json", "inventory.csv"]);
  });

  test("goes on before Ctrl-Z stops the capture", async ({ folder }) => {
    const subject = await startPatterned(65_536);
    try {
      const child = start(["capture", "process", `app=${subject.pid}`, "--stop", "--out", "out"], { cwd: folder });
      const end = ended(child);
      while (stateOf(subject.pid) !== "T") await sleep(1);
      child.kill("SIGTSTP");
      while (stateOf(child.pid as number) !== "T") await sleep(1);
      await subject.goesOn();
      child.kill("SIGCONT");
      expect(await end).toMatchObject({ code: 0, stderr: "" });
    } finally {
      subject.end();
    }
  });

  test("goes on when there is no room for its memory", async ({ folder, subject }) => {
    const args = ["capture", "process", `app=${subject.pid}`, "--stop", "--out", "out"];
    const limited = await pagekin(args, { cwd: folder, before: "ulimit -f 1024" });
    expect(limited).toMatchObject({ code: 2, stdout: "" });
    expect(limited.stderr).toMatch(/^pagekin: out\/app@0\.elf: file size limit[^\n]+\n$/);
    expect(existsSync(path.join(folder, "out"))).toBe(false);
    await subject.goesOn();
    if (!CAN_MOUNT) return;
    await withDisk(folder, "2m", async (disk) => {
      const full = await pagekin(args, { cwd: disk });
      expect(full).toMatchObject({ code: 2, stdout: "" });
      expect(full.stderr).toMatch(/^pagekin: out\/app@0\.elf: no space left[^\n]+\n$/);
      expect(existsSync(path.join(disk, "out"))).toBe(false);
      await subject.goesOn();
    });
  });

  test("can be captured again and again, and an interrupted series goes on", async ({ folder, subject }) => {
    const out = path.join(folder, "out");
    const args = [
      "capture",
      "process",
      `app=${subject.pid}`,
      "--stop",
      "--out",
      out,
      "--every",
      "300ms",
      "--for",
      "1.2s",
    ];
    const child = start(args);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGINT");
    await new Promise((resolve) => child.once("close", resolve));
    const first = readdirSync(out).filter((file) => file.endsWith(".elf"));
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(5);
    const before = statSync(path.join(out, first[0])).mtimeMs;
    expect(await succeed(args)).toMatch(new RegExp(`^${first.length} of 5 snapshots are there already\n`));
    const files = [0, 0.3, 0.6, 0.9, 1.2].map((time) => `app@${time}.elf`);
    expect(
      readdirSync(out)
        .filter((file) => file.endsWith(".elf"))
        .sort(),
    ).toEqual([...files].sort());
    expect(statSync(path.join(out, first[0])).mtimeMs).toBe(before);
    expect(textsIn(out)["inventory.csv"].split("\n").slice(1, 6)).toEqual(
      files.map((file, i) => `${file},app,${[0, 0.3, 0.6, 0.9, 1.2][i]}`),
    );
    const inventory = path.join(out, "inventory.csv");
    const written = readFileSync(inventory, "utf8");
    rmSync(inventory);
    expect(await succeed(args)).toMatch(/^All 5 snapshots are in /);
    expect(readFileSync(inventory, "utf8")).toBe(written);
    const labelled = written.replaceAll("\n", ",red\n");
    writeFileSync(inventory, labelled);
    await succeed(args);
    expect(readFileSync(inventory, "utf8")).toBe(labelled);
    const other = await pagekin([...args.slice(0, -1), "2s"]);
    expect(other.stderr).toMatch(/another capture is in this folder; repeat the command/);
  });
});

describe("what cannot be captured is refused", () => {
  const cases: [what: string, args: string[], says: RegExp][] = [
    ["no such process", ["process", "999999999"], /process 999999999: there is no such process with memory/],
    ["no number", ["process", "web"], /web is not a PID; write \[NAME=\]PID/],
    ["nothing", ["process"], /no process given/],
    ["a trace of what runs", ["process", "1", "--fingerprint"], /add --stop/],
    ["half a series", ["process", "1", "--every", "1s"], /--every and --for belong together/],
    ["a time that is none", ["process", "1", "--every", "soon", "--for", "1s"], /--every soon is not a time/],
    ["a name twice", ["process", "a=1", "a=2"], /a is named twice/],
    ["a name that is a path", ["process", ".a=1"], /cannot be a file's name/],
    ["page sizes of dumps", ["process", "1", "--page-size", "4k"], /--page-size is for --fingerprint/],
    ["no VM", ["vm"], /no VM given/],
    ["no socket", ["vm", "--qmp", "nowhere.sock"], /nowhere\.sock: no such socket/],
    [
      "a trace of what QEMU writes",
      ["vm", "--qmp", "x", "--fingerprint", "--method", "core"],
      /does not go with --method core/,
    ],
    [
      "what is no method",
      ["vm", "--qmp", "x", "--method", "guess"],
      /--method cannot be guess; choose from resident, pmemsave, core/,
    ],
    ["neither", ["guest"], /unknown command capture guest; there are capture vm, capture process/],
    ["neither of the two", [], /capture needs vm or process/],
  ];
  base.for(cases)("%s", async ([, args, says], { folder }) => {
    const end = await pagekin(["capture", ...args, ...(args.length > 0 ? ["--out", "out"] : [])], { cwd: folder });
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toMatch(/^pagekin: [^\n]+\n$/);
    expect(end.stderr).toMatch(says);
  });

  base.skipIf(!IS_LINUX)(
    `one that has ended and was not waited for${because(IS_LINUX, "this is no Linux")}`,
    async ({ folder }) => {
      const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 100"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const [line] = await once(parent.stdout as NodeJS.ReadableStream, "data");
        const pid = Number(line);
        while (stateOf(pid) !== "Z") await sleep(5);
        for (const args of [
          ["capture", "process", String(pid)],
          ["processes", "--live", "--pid", String(pid)],
        ]) {
          const end = await pagekin([...args, "--out", "out"], { cwd: folder });
          expect(end).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/ with memory; see ps /) });
        }
      } finally {
        parent.kill("SIGKILL");
      }
    },
  );

  base("a folder of something else", async ({ folder }) => {
    const end = await pagekin(["capture", "process", String(process.pid), "--out", path.dirname(MAIN)], {
      cwd: folder,
    });
    expect(end.stderr).toMatch(/contains unrelated files/);
  });

  base("a folder whose record is no file", async ({ folder }) => {
    const out = path.join(folder, "out");
    mkdirSync(out);
    run("mkfifo", path.join(out, "capture.json"));
    const end = await pagekin(["capture", "process", String(process.pid), "--out", out]);
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toMatch(/^pagekin: [^\n]*capture\.json: is not the record of a capture; [^\n]+\n$/);
    expect(readdirSync(out)).toEqual(["capture.json"]);
  });

  base("no --out", async () => {
    expect((await pagekin(["capture", "process", "1"])).stderr).toMatch(/--out is missing/);
  });

  const nobodyMay = IS_ROOT && canNobodyRead(MAIN);
  base.skipIf(!nobodyMay)(
    `a process of somebody else${because(nobodyMay, "needs root, and a clone that all may read")}`,
    async ({ folder }) => {
      chmodSync(folder, 0o777);
      const child = spawn(
        process.execPath,
        [MAIN, "capture", "process", String(process.pid), "--out", path.join(folder, "out")],
        {
          cwd: "/",
          uid: 65534,
          gid: 65534,
          env: {},
        },
      );
      const said: Buffer[] = [];
      child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
      await new Promise((resolve) => child.once("close", resolve));
      expect(Buffer.concat(said).toString()).toMatch(
        /its memory may not be read by this user; run as root, or grant CAP_SYS_PTRACE/,
      );
    },
  );
});

/** Bytes of the files in the folders of a folder. */
function bytesUnder(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => path.join(folder, file));
    return files.map((file) => statSync(file)).reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  } catch {
    return 0;
  }
}
