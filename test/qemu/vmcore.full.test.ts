// A real /proc/vmcore of a guest with a crash kernel reserved below 4 GiB, and all forms that makedumpfile makes of it.

import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { pagekin, succeed } from "../support/pagekin.js";
import { crashingMachine, type VmcoreLoad, vmcoreOf } from "../support/qemu/crash.js";
import { type Form, loadsOf, type Pages, pagesIn } from "../support/qemu/forms.js";
import { HAS_QEMU, KERNEL, test } from "../support/qemu/guest.js";
import { expectHeld } from "../support/qemu/holds.js";
import { HAS_MAKEDUMPFILE, leaveOut, makedumpfile, thoseOf } from "../support/qemu/makedumpfile.js";
import { referencePages } from "../support/reference.js";
import { because } from "../support/tools.js";

const PAGE = 4096;
const MIB = 2 ** 20;
const CAN_CRASH = HAS_QEMU && KERNEL !== undefined && HAS_MAKEDUMPFILE;

/** What the segments of the file hold, by physical page. */
function pagesOf(file: string, loads: readonly VmcoreLoad[]): Pages {
  const held = new Map();
  const fd = openSync(file, "r");
  for (const { offset, address, bytes } of loads) {
    const first = Math.ceil(address / PAGE);
    const memory = Buffer.alloc(bytes - (first * PAGE - address));
    readSync(fd, memory, 0, memory.length, offset + (first * PAGE - address));
    for (const [i, page] of referencePages(memory, PAGE).entries()) held.set(first + i, page);
  }
  closeSync(fd);
  return held;
}

test.skipIf(!CAN_CRASH)(
  `a kernel's /proc/vmcore is all RAM, and so is what makedumpfile makes of it${because(CAN_CRASH, "needs QEMU, a kernel and makedumpfile")}`,
  async ({ folder, boot }) => {
    const machine = crashingMachine(KERNEL as string);
    const guest = await boot(machine);
    const loads = await vmcoreOf(guest);
    const at = (file: string) => path.join(folder, file);
    const held = pagesOf(at("vmcore"), loads);

    // What QEMU sees of the crashed kernel's memory is the same; the first MiB the new kernel uses too.
    await guest.run("pmemsave", { val: 0, size: machine.memoryMiB * MIB, filename: "raw" });
    await guest.end();
    const seen = pagesIn(at("raw"));
    const differs = [...held].filter(
      ([page, { fingerprint }]) => page >= MIB / PAGE && seen.get(page)?.fingerprint !== fingerprint,
    );
    expect(differs).toEqual([]);
    const gaps = [...held.keys()].sort((a, b) => a - b).filter((page, i, all) => i > 0 && page - all[i - 1] > 1);
    expect(gaps.at(-1)).toBe((192 * MIB) / PAGE);

    const whole = { pages: held, outside: 0 };
    const repeatedIn = (core: string) => loadsOf(readFileSync(at(core)), machine.memoryMiB * MIB).repeated;
    const made = (file: string, ...options: string[]): Form => {
      makedumpfile(folder, ...options, "-d", "0", "vmcore", file);
      return { ...whole, file, repeated: options.includes("-E") ? repeatedIn(file) : 0 };
    };
    const flattened = (file: string, option: string, repeated: number | undefined): Form => {
      writeFileSync(at(file), makedumpfile(folder, "-F", option, "-d", "0", "vmcore"));
      return { ...whole, file, repeated };
    };
    const core = made("core", "-E");
    await expectHeld(folder, [
      { ...whole, file: "vmcore", repeated: repeatedIn("vmcore") },
      core,
      flattened("core.flat", "-E", core.repeated),
      ...["-c", "-l", "-p"].map((option) => made(`kdump${option}`, option)),
      flattened("kdump.flat", "-l", 0),
    ]);

    // Without what can be left out.
    const { nonzeroPages, zeroPages } = leaveOut(folder, "less", "vmcore");
    makedumpfile(folder, "-E", "-d", "31", "vmcore", "less.core");
    writeFileSync(at("less.core.flat"), makedumpfile(folder, "-F", "-E", "-d", "31", "vmcore"));
    const loaded = loadsOf(readFileSync(at("less.core")), machine.memoryMiB * MIB);
    const left = { pages: thoseOf(held, loaded.pages), repeated: loaded.repeated, outside: 0 };
    const absent = (held.size - left.pages.size) * PAGE;
    await expectHeld(folder, [
      { ...left, file: "less.core", absent },
      { ...left, file: "less.core.flat", absent },
    ]);
    const inspected = async (file: string) => JSON.parse(await succeed(["inspect", file, "--json"], { cwd: folder }));
    const less = await inspected("less");
    // It counts the kernel's own pages twice, which two segments of /proc/vmcore have; none of them is left out.
    const twice = (repeatedIn("vmcore") as number) / PAGE;
    expect([less.pages, less.zero_pages]).toEqual([nonzeroPages + zeroPages - twice, zeroPages]);

    // Parts: one of few pages may have all of them.
    makedumpfile(folder, "-c", "-d", "31", "--split", "vmcore", "part-1", "part-2");
    const parts = await Promise.all(
      ["part-1", "part-2"].map((file) => pagekin(["inspect", file, "--json"], { cwd: folder })),
    );
    const counts = parts.map(({ code, stdout, stderr }) => {
      if (code === 0) return JSON.parse(stdout).pages;
      expect(stderr).toMatch(/has no complete page of 4096 bytes; all \d+ bytes that it describes are absent/);
      return 0;
    });
    expect(counts[0] + counts[1]).toBe(less.pages);
    expect(less.details.writer).toBe("makedumpfile");
    expect((await inspected("vmcore")).details.writer).toBe("Linux (/proc/vmcore, makedumpfile)");
  },
);
