// VMs of a real libvirt, on QEMU's software emulation.

import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { expectRefused, withoutForecast } from "../support/captured.js";
import { openCore } from "../support/core-reader.js";
import { test as base } from "../support/folder.js";
import { COUNTED_AT } from "../support/guest.js";
import { Libvirt, NO_LIBVIRT } from "../support/libvirt.js";
import { ended, pagekin, start, succeed } from "../support/pagekin.js";
import { because } from "../support/tools.js";

const MIB = 2 ** 20;
const PAGE = 4096;

const test = base.extend<{ libvirt: Libvirt }>({
  libvirt: async ({ folder }, use) => {
    const libvirt = await Libvirt.start(folder);
    await use(libvirt);
    await libvirt.end();
  },
});

/** What the guest has counted so far. */
function countOf(libvirt: Libvirt, name: string): number {
  const said = libvirt.virsh("qemu-monitor-command", name, "--hmp", `xp /1hx ${COUNTED_AT}`);
  return Number(/: (0x[0-9a-f]+)/.exec(said)?.[1]);
}

async function counts(libvirt: Libvirt, name: string): Promise<void> {
  const before = countOf(libvirt, name);
  while (countOf(libvirt, name) === before) await sleep(20);
}

describe.skipIf(NO_LIBVIRT !== "")(`a domain of a real libvirt${because(NO_LIBVIRT === "", NO_LIBVIRT)}`, () => {
  test("is captured by all methods, and goes on afterwards", async ({ folder, libvirt }) => {
    const env = { LIBVIRT_DEFAULT_URI: libvirt.uri };
    const run = (out: string, ...more: string[]) =>
      pagekin(["capture", "vm", ...more, "--out", path.join(folder, out)], { cwd: folder, env });
    for (const name of ["web", "db"]) libvirt.create(name, 64);
    for (const name of ["web", "db"]) await counts(libvirt, name);
    const uuid = libvirt.virsh("domuuid", "db");
    const series = await run(
      "series",
      "--libvirt",
      "web",
      "--libvirt",
      `second=${uuid}`,
      "--every",
      "1s",
      "--for",
      "1s",
    );
    expect(withoutForecast(series)).toMatchObject({ code: 0, stderr: "" });
    expect(series.stdout).toMatch(/^1 s: web .*, second .*; held for /m);
    for (const name of ["web", "db"]) {
      expect(libvirt.state(name)).toBe("running");
      await counts(libvirt, name);
    }
    await succeed(["analyze", "--inventory", "series/inventory.csv", "--out", "tables", "--quiet"], { cwd: folder });

    // Paused by its owner it stays so, and is the same each time.
    libvirt.virsh("suspend", "web");
    const count = countOf(libvirt, "web");
    for (const method of ["resident", "pmemsave", "core"])
      expect(await run(method, "--libvirt", "web", "--method", method)).toMatchObject({ code: 0, stderr: "" });
    expect(libvirt.state("web")).toBe("paused");
    const [resident, core] = ["resident", "core"].map((out) => openCore(path.join(folder, out, "web@0.elf"), "paddr"));
    const raw = readFileSync(path.join(folder, "pmemsave/web@0.raw"));
    expect(raw.length).toBe(64 * MIB);
    expect(raw.readUInt16LE(COUNTED_AT)).toBe(count);
    const pages = [...resident.pages()];
    expect(pages.length).toBeGreaterThan(100);
    for (const at of pages) {
      const page = resident.page(at);
      expect(page?.equals(raw.subarray(at, at + PAGE)), String(at)).toBe(true);
      expect(page?.equals(core.page(at) ?? Buffer.alloc(0)), String(at)).toBe(true);
    }
    for (const one of [resident, core]) one.close();

    // Its monitor is libvirt's.
    const xml = libvirt.virsh("dumpxml", "db");
    const id = /<domain [^>]*\bid=['"](\d+)['"]/.exec(xml)?.[1];
    const monitor = path.join(folder, `libvirt/home/.config/libvirt/qemu/lib/domain-${id}-db/monitor.sock`);
    const held = await pagekin(["capture", "vm", "--qmp", monitor, "--out", "out"], { cwd: folder });
    expectRefused(folder, held, /another client is connected to this monitor.*use --libvirt DOMAIN/);
  });

  test("is resumed however pagekin ends", async ({ folder, libvirt }) => {
    libvirt.create("web", 512);
    await counts(libvirt, "web");
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const args = ["capture", "vm", "--libvirt", "web", "--method", "core", "--out", `out-${signal}`];
      const child = start(args, { cwd: folder, env: { LIBVIRT_DEFAULT_URI: libvirt.uri } });
      const end = ended(child);
      while (libvirt.state("web") !== "paused") expect(child.exitCode).toBe(null);
      child.kill(signal);
      await end;
      while (libvirt.state("web") !== "running") await sleep(50);
      await counts(libvirt, "web");
    }
  });
});
