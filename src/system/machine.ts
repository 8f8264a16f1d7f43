// What this process may use of the machine: control groups (cgroups), CPU affinity and resource limits leave less than there is.
// Formats: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst, scheduler/sched-bwc.rst; proc(5).

import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import path from "node:path";

const KIB = 1024;

/** Bytes of memory that this process may use: the machine's, or less in a cgroup. */
export const usableMemory = (root = "/"): number => Math.min(totalmem(), cgroupMemory(root));

/** Processors that this process may use; a cgroup may allow a part of one, which is counted whole. */
export const usableProcessors = (root = "/"): number =>
  Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupProcessors(root))));

/** Bytes of address space that may still be reserved (`ulimit -v`); undefined: it has no limit. */
export function addressSpaceLeft(root = "/"): number | undefined {
  const limit = /^Max address space +(\d+) /m.exec(textOf(path.join(root, "proc/self/limits")));
  const used = /^VmSize:\s+(\d+) kB$/m.exec(textOf(path.join(root, "proc/self/status")));
  return limit && used ? Math.max(0, Number(limit[1]) - Number(used[1]) * KIB) : undefined;
}

/** The smallest limit of memory (bytes) of the cgroup of this process and of those above it; Infinity: none. */
function cgroupMemory(root: string): number {
  const values = cgroupFolders(root, "memory").flatMap((folder) =>
    ["memory.max", "memory.high", "memory.limit_in_bytes"].map((file) => textOf(path.join(folder, file))),
  );
  return Math.min(Infinity, ...values.map(numberIn));
}

/** The same of processors, which may be a fraction. */
function cgroupProcessors(root: string): number {
  const quotas = cgroupFolders(root, "cpu").flatMap((folder) => {
    const [quota = "", period = ""] = textOf(path.join(folder, "cpu.max")).split(" ");
    const old = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map((file) => numberIn(textOf(path.join(folder, file))));
    return [numberIn(quota) / numberIn(period), old[0] / old[1]];
  });
  return Math.min(Infinity, ...quotas.filter((quota) => quota > 0));
}

/** The number of a limit's file; Infinity where it says `max` or -1, or is not there. */
const numberIn = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : Infinity);

/** The folders of the cgroups that this process is in, of both versions, with all above that can be seen. */
function cgroupFolders(root: string, controller: string): string[] {
  const groups = textOf(path.join(root, "proc/self/cgroup")).split("\n").flatMap(parseGroup);
  return mountsIn(textOf(path.join(root, "proc/self/mountinfo")))
    .filter(({ controllers }) => !controllers || controllers.includes(controller))
    .flatMap((mount) => {
      const group = groups.find(({ controllers }) => controllers.includes(mount.controllers ? controller : ""));
      return group ? upFrom(path.join(root, mount.folder), path.posix.relative(mount.root, group.path)) : [];
    });
}

interface Group {
  /** One that is empty in version 2. */
  controllers: string[];
  path: string;
}

/** A line of /proc/self/cgroup: `4:cpu,cpuacct:/a/b`, in version 2 `0::/a/b`. */
function parseGroup(line: string): Group[] {
  const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
  return group === undefined ? [] : [{ controllers: controllers.split(","), path: group }];
}

interface Mount {
  folder: string;
  /** The cgroup that is seen there. */
  root: string;
  /** Undefined in version 2, which has all in one hierarchy. */
  controllers: string[] | undefined;
}

/** The mounts of cgroups: `36 35 98:0 ROOT FOLDER OPTIONS... - TYPE SOURCE OPTIONS`. */
function mountsIn(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before, after = ""] = line.split(" - ");
    const [, , , root, folder] = before.split(" ").map(unescaped);
    const [type, , options = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    return [{ folder, root, controllers: type === "cgroup" ? options.split(",") : undefined }];
  });
}

/** White space and backslashes in a path are octal there. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** A folder of a mount and all above it up to the mount itself; of what is outside of the mount, that alone. */
function upFrom(mount: string, below: string): string[] {
  const parts = below.startsWith("..") ? [] : below.split("/").filter((part) => part !== "");
  return [mount, ...parts.map((_, i) => path.join(mount, ...parts.slice(0, i + 1)))];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Other systems have no such files, and a container need not show them.
    return "";
  }
}
