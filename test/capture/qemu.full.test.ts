// VMs of a real QEMU.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { withoutForecast } from "../support/captured.js";
import { openCore } from "../support/core-reader.js";
import { textsIn } from "../support/folder.js";
import { HAS_QEMU, QEMU, ramMappingOf, type Guest as StartedGuest, guestTest as test } from "../support/guest.js";
import { ended, MAIN, pagekin, start, succeed } from "../support/pagekin.js";
import { Guest } from "../support/qemu/guest.js";
import { randomBytes } from "../support/random.js";
import { onlyRow, rowsOf } from "../support/table.js";
import { CAN_MOUNT, withDisk } from "../support/tmpfs.js";
import { because, has, IS_ROOT } from "../support/tools.js";

const PAGE = 4096;
const MIB = 2 ** 20;
const FOUR_GIB = 2 ** 32;

const capture = (out: string, qmp: string[], ...more: string[]) => [
  ...["capture", "vm", ...qmp.flatMap((one) => ["--qmp", one]), "--out", out],
  ...more,
];

/** What a process has in memory. */
const residentBytesOf = (pid: number) =>
  1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Pages whose bytes differ between two ways to read them. */
function differing(
  addresses: Iterable<number>,
  a: (at: number) => Buffer | undefined,
  b: (at: number) => Buffer | undefined,
) {
  const found: number[] = [];
  for (const at of addresses) {
    const [one, other] = [a(at), b(at)];
    if (!one || !other || !one.equals(other)) found.push(at);
  }
  return found;
}

describe.skipIf(!HAS_QEMU)(`a VM of QEMU's${because(HAS_QEMU, `${QEMU} is not installed`)}`, () => {
  test("is itself beside another one whose monitor has the same relative name", async ({ folder, guest }) => {
    const names = ["a", "b"];
    const vms: StartedGuest[] = [];
    for (const [i, name] of names.entries()) {
      const cwd = path.join(folder, name);
      mkdirSync(cwd);
      const file = path.join(folder, `loaded-${name}`);
      writeFileSync(file, randomBytes((1 + 24 * i) * MIB, i));
      const more = ["-qmp", "unix:mon,server=on,wait=off"];
      vms.push(await guest({ name, cwd, more, memory: 64 * (i + 1), loaded: [{ file, address: 32 * MIB }] }));
    }
    const sockets = names.map((name) => `${name}=${path.join(folder, name, "mon")}`);
    for (const vm of vms) await vm.tell("stop");
    for (const method of ["resident", "pmemsave"]) {
      // Whichever is looked at first.
      for (const order of [sockets, [...sockets].reverse()]) {
        const out = path.join(folder, `${method}-${order === sockets}`);
        // A dump by QEMU itself touches all RAM.
        const resident = vms.map(({ pid }) => residentBytesOf(pid));
        await succeed(capture(out, order, "--method", method, "--quiet"));
        for (const i of vms.keys()) {
          const row = onlyRow(rowsOf(out, "usage.csv"), { vm: names[i] });
          const apart = resident.map((bytes) => Math.abs(bytes - Number(row.mup_bytes)));
          expect(apart[i]).toBeLessThan(apart[1 - i]);
          const dump = path.join(out, `${names[i]}@0.${method === "resident" ? "elf" : "raw"}`);
          const loaded = readFileSync(path.join(folder, `loaded-${names[i]}`)).subarray(0, PAGE);
          if (method === "resident") {
            const core = openCore(dump, "paddr");
            expect(core.page(32 * MIB)?.equals(loaded)).toBe(true);
            core.close();
          } else
            expect(
              readFileSync(dump)
                .subarray(32 * MIB, 32 * MIB + PAGE)
                .equals(loaded),
            ).toBe(true);
        }
      }
    }
    const [first] = sockets;
    const twice = await pagekin(capture(path.join(folder, "twice"), [first, `c=${first.slice(2)}`]));
    expect(twice).toMatchObject({ code: 2, stderr: "pagekin: a and c are the same; name it once\n" });
  });

  test("gives the same memory by all three methods; what is not resident is absent", async ({ folder, guest }) => {
    const loaded = { file: path.join(folder, "loaded"), address: 32 * MIB };
    const bytes = randomBytes(MIB, 5);
    writeFileSync(loaded.file, bytes);
    const vm = await guest({ name: "web", loaded: [loaded] });
    // Paused, so that it is the same each time.
    await vm.tell("stop");
    const { bytes: ramBytes, residentBytes } = ramMappingOf(vm.pid);
    expect(ramBytes).toBe(128 * MIB);
    for (const method of ["resident", "pmemsave", "core"])
      await succeed(capture(path.join(folder, method), [`web=${vm.socket}`], "--method", method, "--quiet"));
    expect(await vm.isRunning()).toBe(false);

    const resident = openCore(path.join(folder, "resident/web@0.elf"), "paddr");
    const core = openCore(path.join(folder, "core/web@0.elf"), "paddr");
    const raw = readFileSync(path.join(folder, "pmemsave/web@0.raw"));
    const rawPage = (at: number) => raw.subarray(at, at + PAGE);
    expect(raw.length).toBe(ramBytes);
    const there = new Set(resident.pages());
    expect(there.size * PAGE).toBe(residentBytes);
    expect(differing(there, resident.page, rawPage)).toEqual([]);
    expect(differing(there, resident.page, core.page)).toEqual([]);
    const zero = Buffer.alloc(PAGE);
    const absent = Array.from({ length: ramBytes / PAGE }, (_, i) => i * PAGE).filter((at) => !there.has(at));
    expect(absent.length).toBeGreaterThan(20_000);
    expect(absent.filter((at) => !rawPage(at).equals(zero))).toEqual([]);
    for (let at = 0; at < bytes.length; at += PAGE)
      expect(resident.page(loaded.address + at)?.equals(bytes.subarray(at, at + PAGE))).toBe(true);

    const seen = JSON.parse(await succeed(["inspect", path.join(folder, "resident/web@0.elf"), "--json"]));
    expect(seen).toMatchObject({ format: "elf", address_space: "physical", details: { kind: "machine" } });
    expect(seen.ledger.absent_bytes).toBe(ramBytes - residentBytes);
    expect(seen.ledger.outside_ram_bytes).toBe(0);
    for (const file of [resident, core]) file.close();
    for (const method of ["resident", "pmemsave", "core"]) {
      const files = readdirSync(path.join(folder, method));
      expect(files.length).toBe(4);
      for (const file of files) expect(statSync(path.join(folder, method, file)).mode & 0o777).toBe(0o600);
      // This guest has no balloon.
      const [, row] = readFileSync(path.join(folder, method, "usage.csv"), "utf8").split("\n");
      const [time, name, used, host, rate] = row.split(",");
      expect([time, name, used]).toEqual(["0", "web", ""]);
      expect(Number(host)).toBeGreaterThan(residentBytes);
      expect(Number(rate) > 0 && Number(rate) < 1).toBe(true);
    }
  });

  test("with RAM above 4 GiB has it there, however often it is looked at", async ({ folder, guest }) => {
    const loaded = { file: path.join(folder, "loaded"), address: FOUR_GIB + 16 * MIB };
    const bytes = randomBytes(MIB, 6);
    writeFileSync(loaded.file, bytes);
    const vm = await guest({ name: "high", machine: "q35,max-ram-below-4g=64M", loaded: [loaded] });
    await vm.tell("stop");
    const before = ramMappingOf(vm.pid).residentBytes;
    for (const out of ["first", "second"]) await succeed(capture(path.join(folder, out), [vm.socket], "--quiet"));
    await succeed(capture(path.join(folder, "trace"), [vm.socket], "--fingerprint", "--quiet"));
    expect(ramMappingOf(vm.pid).residentBytes).toBe(before);
    await succeed(capture(path.join(folder, "core"), [vm.socket], "--method", "core", "--quiet"));

    const [first, second] = ["first", "second"].map((out) => readFileSync(path.join(folder, out, "high@0.elf")));
    expect(first.equals(second)).toBe(true);
    const resident = openCore(path.join(folder, "first/high@0.elf"), "paddr");
    const core = openCore(path.join(folder, "core/high@0.elf"), "paddr");
    const there = [...resident.pages()];
    expect(there.length * PAGE).toBe(before);
    expect(there.filter((at) => at >= 64 * MIB && at < FOUR_GIB)).toEqual([]);
    expect(differing(there, resident.page, core.page)).toEqual([]);
    expect(resident.page(loaded.address)?.equals(bytes.subarray(0, PAGE))).toBe(true);
    const openedPages = new Map(there.map((at) => [at, resident.page(at)]));
    for (const file of [resident, core]) file.close();

    for (const file of ["first/high@0.elf", "trace/high@0.parquet"])
      await succeed([
        "analyze",
        path.join(folder, file),
        "--out",
        path.join(folder, `tables-${path.extname(file)}`),
        "--quiet",
      ]);
    const [dump, trace] = [".elf", ".parquet"].map((kind) => textsIn(path.join(folder, `tables-${kind}`)));
    for (const table of ["self.csv", "copies.csv", "page_sizes.csv"]) expect(trace[table]).toBe(dump[table]);
    const said = await succeed(capture(path.join(folder, "raw"), [vm.socket], "--method", "pmemsave"));
    expect(said).toMatch(/Note: high: RAM from 0x100000000 on is at 0x4000000 of the file/);
    expect(readdirSync(path.join(folder, "raw")).length).toBe(4);
    const raw = readFileSync(path.join(folder, "raw/high@0.raw"));
    expect(raw.length).toBe(128 * MIB);
    const rawPage = (at: number) => raw.subarray(at >= FOUR_GIB ? at - FOUR_GIB + 64 * MIB : at).subarray(0, PAGE);
    expect(differing(there, (at) => openedPages.get(at), rawPage)).toEqual([]);
  });

  test("with memory plugged in has it, but no persistent one, as in QEMU's own dump", async ({ folder, guest }) => {
    // virtio-mem, nvdimm and DIMM follow one another from 4 GiB on.
    const dimm = { file: path.join(folder, "dimm"), address: FOUR_GIB + 320 * MIB + 8 * MIB };
    const nvdimm = { file: path.join(folder, "nvdimm"), address: FOUR_GIB + 256 * MIB + 8 * MIB };
    writeFileSync(dimm.file, randomBytes(MIB, 8));
    writeFileSync(nvdimm.file, randomBytes(MIB, 9));
    const backend = (id: string, size: string) => ["-object", `memory-backend-ram,id=${id},size=${size}`];
    const vm = await guest({
      name: "plugged",
      machine: "q35,nvdimm=on",
      slots: "slots=4,maxmem=2G",
      loaded: [dimm, nvdimm],
      more: [
        ...[...backend("vm0", "256M"), "-device", "virtio-mem-pci,memdev=vm0,requested-size=128M"],
        ...[...backend("nv0", "64M"), "-device", "nvdimm,memdev=nv0"],
        ...[...backend("d0", "128M"), "-device", "pc-dimm,memdev=d0"],
      ],
    });
    await vm.tell("stop");
    for (const method of ["resident", "pmemsave", "core"])
      await succeed(capture(path.join(folder, method), [vm.socket], "--method", method, "--quiet"));
    const [resident, core] = ["resident", "core"].map((method) =>
      openCore(path.join(folder, method, "plugged@0.elf"), "paddr"),
    );
    const there = [...resident.pages()];
    expect(differing(there, resident.page, core.page)).toEqual([]);
    // Of the memory from 4 GiB on the DIMM's alone is resident: the guest has no driver for the others.
    const high = there.filter((at) => at >= FOUR_GIB);
    expect(high.length).toBeGreaterThanOrEqual(256);
    expect(high.filter((at) => at < FOUR_GIB + 320 * MIB)).toEqual([]);
    const bytes = readFileSync(dimm.file);
    expect(resident.page(dimm.address)?.equals(bytes.subarray(0, PAGE))).toBe(true);
    for (const file of [resident, core]) file.close();
    // The DIMM follows the low 128 MiB: without a driver the guest has plugged nothing of virtio-mem's memory.
    const raw = readFileSync(path.join(folder, "pmemsave/plugged@0.raw"));
    expect(raw.length).toBe((128 + 128) * MIB);
    expect(
      raw
        .subarray((128 + 8) * MIB)
        .subarray(0, MIB)
        .equals(bytes),
    ).toBe(true);
  });

  test("with a VGA card has no RAM in its window, as in QEMU's own dump", async ({ folder, guest }) => {
    const vm = await guest({ name: "vga", more: ["-vga", "std"] });
    await vm.tell("stop");
    for (const method of ["resident", "core"])
      await succeed(capture(path.join(folder, method), [vm.socket], "--method", method, "--quiet"));
    const [resident, core] = ["resident", "core"].map((method) =>
      openCore(path.join(folder, method, "vga@0.elf"), "paddr"),
    );
    const there = [...resident.pages()];
    expect(there.filter((at) => at >= 0xa0000 && at < 0xc0000)).toEqual([]);
    expect(there.filter((at) => at >= 0xc0000 && at < 0x100000).length).toBeGreaterThan(0);
    expect(differing(there, resident.page, core.page)).toEqual([]);
    for (const file of [resident, core]) file.close();
  });

  test("runs on after it was captured, by whatever method", async ({ folder, guest }) => {
    const vm = await guest({ name: "web" });
    for (const method of ["resident", "pmemsave", "core"]) {
      await succeed(capture(path.join(folder, method), [vm.socket], "--method", method, "--quiet"));
      await vm.goesOn();
    }
  });

  test("runs on after an interrupt or the end of pagekin in the middle", async ({ folder, guest }) => {
    const loaded = { file: path.join(folder, "loaded"), address: 32 * MIB };
    writeFileSync(loaded.file, randomBytes(192 * MIB, 7));
    const vm = await guest({ name: "web", memory: 256, loaded: [loaded] });
    for (const method of ["resident", "pmemsave", "core"]) {
      for (const signal of ["SIGINT", "SIGKILL"] as const) {
        const out = path.join(folder, `${method}-${signal}`);
        const child = start(capture(out, [vm.socket], "--method", method));
        const end = ended(child);
        // While QEMU itself dumps, its other monitor does not answer either.
        while (method === "resident" ? await vm.isRunning() : !hasStaged(out)) await sleep(1);
        child.kill(signal);
        await vm.goesOn();
        await end;
        expect(existsSync(path.join(out, "inventory.csv"))).toBe(false);
        await succeed(capture(out, [vm.socket], "--method", method, "--quiet"));
        expect(readdirSync(out).length).toBe(4);
      }
    }
  });

  test.skipIf(!CAN_MOUNT)(
    `runs on when the disk is full${because(CAN_MOUNT, "no file system can be mounted here")}`,
    async ({ folder, guest }) => {
      const loaded = { file: path.join(folder, "loaded"), address: 32 * MIB };
      writeFileSync(loaded.file, randomBytes(16 * MIB, 8));
      const vm = await guest({ name: "web", loaded: [loaded] });
      await withDisk(folder, "8m", async (disk) => {
        for (const [method, says] of [
          ["resident", /^pagekin: out\/web@0\.elf: no space left on the device; free some[^\n]*\n$/],
          ["pmemsave", /^pagekin: out\/web@0\.raw: pmemsave: An IO error has occurred; free some of the disk[^\n]*\n$/],
          ["core", /^pagekin: out\/web@0\.elf: [^\n]*no space left on device; free some of the disk[^\n]*\n$/i],
        ] as const) {
          const end = await pagekin(capture("out", [vm.socket], "--method", method), { cwd: disk });
          expect(withoutForecast(end)).toMatchObject({ code: 2, stdout: "" });
          expect(end.stderr).toMatch(says);
          expect(readdirSync(disk)).toEqual([]);
          await vm.goesOn();
        }
      });
    },
  );

  test.skipIf(!CAN_MOUNT)(
    `is not taken for dumped when the end is missing${because(CAN_MOUNT, "no file system can be mounted here")}`,
    async ({ folder, guest }) => {
      const vm = await guest({ name: "web" });
      // All but the last page, which QEMU writes when it closes the file.
      await withDisk(folder, `${128 * 1024 - 4}k`, async (disk) => {
        const end = await pagekin(capture("out", [vm.socket], "--method", "pmemsave"), { cwd: disk });
        expect(withoutForecast(end)).toMatchObject({ code: 2, stdout: "" });
        expect(end.stderr).toMatch(/^pagekin: out\/web@0\.raw: pmemsave: [^\n]+; free some of the disk[^\n]*\n$/);
        await vm.goesOn();
      });
    },
  );

  test("and others are captured in a series", async ({ folder, guest }) => {
    const web = await guest({ name: "web" });
    const db = await guest({ name: "db", machine: "q35" });
    const out = path.join(folder, "out");
    const args = capture(out, [web.socket, `data=${db.socket}`], "--every", "200ms", "--for", "600ms", "--json");
    const said = JSON.parse(await succeed(args));
    expect(said.snapshots.map(({ time_s }: { time_s: number }) => time_s)).toEqual([0, 0.2, 0.4, 0.6]);
    expect(said.usage_unknown).toEqual(["web", "data"]);
    await succeed([
      "analyze",
      "--inventory",
      path.join(out, "inventory.csv"),
      "--out",
      path.join(folder, "an"),
      "--quiet",
    ]);
    const rows = textsIn(path.join(folder, "an"))
      ["self.csv"].split("\n")
      .filter((row) => row.includes(",4096,"));
    expect(rows.map((row) => row.split(",").slice(0, 2).join())).toEqual(
      [0, 0.2, 0.4, 0.6].flatMap((time) => [`${time},web`, `${time},data`]),
    );
    await web.goesOn();
    await db.goesOn();
  });

  test("and others go the way of docs/capture.md from capture to replay", async ({ folder, guest }) => {
    const page = readFileSync(new URL("../../docs/capture.md", import.meta.url), "utf8");
    const blocks = [...page.matchAll(/^```text\n(.*?)^```/gms)].map(([, block]) => block);
    expect(blocks.length).toBe(2);
    // The same in a hundredth of the time.
    const shortened = blocks
      .join("")
      .replaceAll("--every 15s --for 1m ", "--every 150ms --for 600ms ")
      .replaceAll("until: 75s", "until: 0.75s")
      .replaceAll("npx pagekin ", `"${process.execPath}" "${MAIN}" `);
    await guest({ name: "web" });
    await guest({ name: "db" });
    execFileSync("sh", ["-e", "-c", shortened], { cwd: folder });
    const dumps = [0, 0.15, 0.3, 0.45, 0.6].flatMap((time) => [`db@${time}.elf`, `web@${time}.elf`]);
    expect(readdirSync(path.join(folder, "captured")).sort()).toEqual(
      [...dumps, "capture.json", "inventory.csv", "usage.csv"].sort(),
    );
    expect(readdirSync(path.join(folder, "replayed"))).toContain("samples.csv");
    expect(readdirSync(path.join(folder, "traced")).filter((file) => file.endsWith(".parquet")).length).toBe(10);
    expect(readdirSync(path.join(folder, "traced-tables"))).toContain("self.csv");
  });

  const hasHuge = HAS_QEMU && !readHuge().includes("[never]");
  test.skipIf(!hasHuge)(
    `in huge pages is captured with a warning${because(hasHuge, "this kernel gives none")}`,
    async ({ folder, guest }) => {
      const vm = await guest({ name: "web", smallPages: false });
      const said = await succeed(capture(path.join(folder, "out"), [vm.socket]));
      expect(said).toMatch(/Note: web: \d+ bytes of its RAM are in huge pages, which are resident as a whole/);
    },
  );

  const hasReserved = HAS_QEMU && freeHugePages() >= 64;
  test.skipIf(!hasReserved)(
    `in reserved huge pages uses those that it touched${because(hasReserved, "needs vm.nr_hugepages=64 of 2 MiB")}`,
    async ({ folder, guest }) => {
      const backend = ["-object", "memory-backend-memfd,id=m1,size=128M,hugetlb=on,hugetlbsize=2M"];
      const vm = await guest({ name: "web", more: [...backend, "-machine", "memory-backend=m1"] });
      await vm.tell("stop");
      const before = freeHugePages();
      const out = path.join(folder, "out");
      const said = await succeed(capture(out, [vm.socket]));
      const core = openCore(path.join(out, "web@0.elf"), "paddr");
      const bytes = [...core.pages()].length * PAGE;
      core.close();
      expect(said).toContain(`Note: web: ${bytes} bytes of its RAM are in huge pages`);
      const { mup_bytes: used } = onlyRow(rowsOf(out, "usage.csv"), { vm: "web" });
      const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${vm.pid}/status`, "utf8"));
      expect(Number(used)).toBeCloseTo(1024 * Number(rss?.[1]) + bytes, -6);
      expect(freeHugePages()).toBe(before);
    },
  );

  test.skipIf(!IS_ROOT)(`of another user is captured${because(IS_ROOT, "needs root")}`, async ({ folder, guest }) => {
    const vm = await guest({ name: "web", more: ["-runas", "nobody"] });
    for (const method of ["resident", "pmemsave", "core"]) {
      const out = path.join(folder, method);
      const end = await pagekin(capture(out, [vm.socket], "--method", method, "--quiet"));
      // The test's folder is not open to others, so QEMU cannot write there.
      if (method !== "resident")
        expect(end.stderr).toMatch(/Permission denied; QEMU writes this file as its own user/i);
      else expect(end).toMatchObject({ code: 0, stderr: "" });
      await vm.goesOn();
    }
    chmodSync(folder, 0o711);
    for (const method of ["pmemsave", "core"]) {
      const out = path.join(folder, method);
      await succeed(capture(out, [vm.socket], "--method", method, "--quiet"));
      for (const file of readdirSync(out)) {
        const { mode, uid } = statSync(path.join(out, file));
        expect({ file, mode: mode & 0o777, uid }).toEqual({ file, mode: 0o600, uid: 0 });
      }
      await vm.goesOn();
    }
  });
});

function freeHugePages(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  return /^Hugepagesize: +2048 kB/m.test(text) ? Number(/^HugePages_Free: +(\d+)/m.exec(text)?.[1]) : 0;
}

function readHuge(): string {
  try {
    return readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "utf8");
  } catch {
    return "[never]";
  }
}

/** Whether a snapshot's file is being written. */
function hasStaged(out: string): boolean {
  try {
    const hidden = readdirSync(out).filter((file) => file.startsWith(".pagekin-"));
    return hidden.some((staging) =>
      readdirSync(path.join(out, staging)).some((file) => statSync(path.join(out, staging, file)).size > 0),
    );
  } catch {
    return false;
  }
}

const OTHERS: [program: string, machine: string, ramAt: number][] = [
  ["qemu-system-aarch64", "virt", 0x40000000],
  ["qemu-system-riscv64", "virt", 0x80000000],
  ["qemu-system-ppc64", "pseries", 0],
  ["qemu-system-s390x", "s390-ccw-virtio", 0],
];

describe.each(OTHERS)("%s -M %s", (program, machine, ramAt) => {
  test.skipIf(!has(program))(
    `gives its RAM and nothing else to pmemsave${because(has(program), "not installed")}`,
    async ({ folder }) => {
      // A monitor serves one client at a time.
      const options = ["-S", "-qmp", "unix:another,server=on,wait=off"];
      const vm = Guest.start(folder, {
        program,
        machine,
        memoryMiB: 256,
        vga: "none",
        kernel: undefined,
        options,
      });
      try {
        await vm.connect();
        const said = await succeed(capture("out", ["vm=another"], "--method", "pmemsave"), { cwd: folder });
        const raw = readFileSync(path.join(folder, "out/vm@0.raw"));
        expect(raw.length).toBe(256 * MIB);
        const place = `RAM from 0x${ramAt.toString(16)} on is at 0x0 of the file`;
        expect(said.includes(place)).toBe(ramAt > 0);
        // What QEMU reads there page by page.
        for (const at of [0, 32 * MIB, 256 * MIB - PAGE]) {
          await vm.run("pmemsave", { val: ramAt + at, size: PAGE, filename: path.join(folder, "page") });
          expect(readFileSync(path.join(folder, "page")).equals(raw.subarray(at, at + PAGE))).toBe(true);
        }
      } finally {
        await vm.end();
      }
    },
  );
});
