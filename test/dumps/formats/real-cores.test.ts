import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { elf } from "../../../src/dumps/formats/elf.js";
import { planOf } from "../../support/dumps/hostile.js";
import { analyzed } from "../../support/dumps/run.js";
import { test } from "../../support/folder.js";
import { because, gcore, HAS_GCORE } from "../../support/tools.js";

interface Mapped {
  start: number;
  end: number;
  name: string;
}

/** What the kernel says that a process has mapped. */
function mapsOf(pid: number): Mapped[] {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [, start, end, name] = /^(\w+)-(\w+) (?:\S+ +){4}(.*)$/.exec(line) as RegExpExecArray;
    return { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), name };
  });
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

test.skipIf(!HAS_GCORE)(
  `a process that gcore dumped${because(HAS_GCORE, "gdb is not installed")}`,
  async ({ folder, skip }) => {
    const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      await once(child.stdout as NodeJS.ReadableStream, "data");
      const pid = child.pid as number;
      const maps = mapsOf(pid);
      if (!gcore(pid, path.join(folder, "core"))) return skip("gcore may not attach to processes here");

      const plan = await planOf(elf, folder, readFileSync(path.join(folder, `core.${pid}`)));
      const vdso = maps.find(({ name }) => name === "[vdso]") as Mapped;
      const [outside] = plan.outside ?? [];
      expect(outside.address + outside.bytes).toBe(vdso.end);
      expect(plan.details).toMatchObject({ kind: "process", pid, name: path.basename(process.execPath) });
      const { mappings } = plan.details as { mappings: { start: number; file: string }[] };
      const mapped = mappings.map(({ start, file }) => `${start} ${file}`);
      const files = maps.filter(({ name }) => name.startsWith("/")).map(({ start, name }) => `${start} ${name}`);
      expect(mapped).toEqual(expect.arrayContaining(files));

      const read = await analyzed(folder, readdirSync(folder).find((name) => name.startsWith("core")) as string);
      expect(read).toMatchObject({ format: "elf", addressSpace: "virtual", repeated: 0, tail: 0 });
      expect(read.nonzero + read.zero).toBe(read.pages * 4096);
      expect(read.outside).toBeGreaterThanOrEqual(vdso.end - vdso.start);
    } finally {
      await ended(child);
    }
  },
);
