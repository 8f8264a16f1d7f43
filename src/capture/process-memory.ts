// The memory of a process that lives, as Linux shows it in /proc: its mappings, which of their pages are resident, the bytes.

import { closeSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import { breathe } from "../system/pace.js";

export interface Mapping {
  start: number;
  end: number;
  /** As in `rw-p`: read, written, executed; p: private, s: shared. */
  permissions: string;
  /** Where in the file it begins, in bytes. */
  offset: number;
  /** A file, a name in brackets, or nothing. */
  name: string;
}

/** Which pages of a range are there. Counts are of pages. */
export interface Residency {
  /** In the swap area, not in memory. */
  swapped: number;
  /** Read but never written, so that they show the kernel's one zero page and take no memory. */
  zeroPages: number;
}

/** What the frame of a resident page is that is not the process's own alone. Unknown: this user may not know. */
export type SharedFrame = "zero" | "merged" | "forked" | "unknown";

const ENTRY_BYTES = 8;
/** Entries of pagemap that are read at once. */
const ENTRIES = 8192;
// Bits of the upper half of an entry (Documentation/admin-guide/mm/pagemap.rst: 63, 62, 61, 56).
const PRESENT = 1 << 31;
const SWAPPED = 1 << 30;
const FILE_OR_SHARED = 1 << 29;
const EXCLUSIVE = 1 << 24;
/** Bits of the upper half that belong to the frame's number. */
const FRAME_BITS = 2 ** 23;
/** Of /proc/kpageflags. */
const KPF_KSM = 21;
const KPF_ZERO_PAGE = 24;
/** Of the auxiliary vector. */
const AT_PAGESZ = 6;

/** Bytes of a page of this machine. */
function pageBytesHere(): number {
  const words = new BigUint64Array(new Uint8Array(readFileSync("/proc/self/auxv")).buffer);
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === BigInt(AT_PAGESZ)) return Number(words[i + 1]);
  return BASE_PAGE_BYTES;
}

export class ProcessMemory {
  private frameFlags: number | undefined;
  private readonly zeroFrames = new Set<number>();

  private constructor(
    readonly pid: number,
    /** Descriptor of its memory: an offset is an address. */
    readonly fd: number,
    private readonly pagemap: number,
    readonly pageBytes: number,
    private readonly shownAs: string,
  ) {}

  /** shownAs: how errors call the process. */
  static open(pid: number, shownAs: string): ProcessMemory {
    let fd: number | undefined;
    try {
      fd = openSync(`/proc/${pid}/mem`, "r");
      const memory = new ProcessMemory(pid, fd, openSync(`/proc/${pid}/pagemap`, "r"), pageBytesHere(), shownAs);
      memory.frameFlags = openIfAllowed("/proc/kpageflags");
      memory.mappings();
      return memory;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw refusal(error, shownAs);
    }
  }

  close(): void {
    closeSync(this.fd);
    closeSync(this.pagemap);
    if (this.frameFlags !== undefined) closeSync(this.frameFlags);
  }

  /** Those that the process has now, ascending. */
  mappings(): Mapping[] {
    return parseMappings(this.textOf("maps"));
  }

  /** The same, and whether they have pages in memory or swapped out. What is only reserved may be larger than any memory. */
  usedMappings(): (Mapping & { isUsed: boolean })[] {
    const areas = this.textOf("smaps").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    return areas.flatMap((area) => {
      const isUsed = /^(Rss|Swap|Shared_Hugetlb|Private_Hugetlb): +[1-9]/m.test(area);
      return parseMappings(area).map((mapping) => ({ ...mapping, isUsed }));
    });
  }

  private textOf(list: "maps" | "smaps"): string {
    try {
      const text = readFileSync(`/proc/${this.pid}/${list}`, "utf8");
      if (text !== "") return text;
      const hint = "it has ended, or is a thread of the kernel";
      throw new PagekinError("has no memory of its own", { file: this.shownAs, hint });
    } catch (error) {
      throw refusal(error, this.shownAs);
    }
  }

  /**
   * Visits the runs of resident pages from one address to another, ascending. anonymousOnly: leaves out what is of a file
   * or shared; counts: whether pages in frames of a kind are visited.
   */
  async eachRun(
    start: number,
    end: number,
    anonymousOnly: boolean,
    visit: (address: number, bytes: number) => void,
    counts: (kind: SharedFrame) => boolean = (kind) => kind !== "zero",
  ): Promise<Residency> {
    const { pageBytes } = this;
    const found = { swapped: 0, zeroPages: 0 };
    const bytes = Buffer.allocUnsafe(ENTRY_BYTES * ENTRIES);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * ENTRIES);
    let from = -1;
    let at = start;
    while (at < end) {
      const wanted = Math.min(ENTRIES, (end - at) / pageBytes);
      const count = Math.floor(
        readSync(this.pagemap, bytes, 0, wanted * ENTRY_BYTES, (at / pageBytes) * ENTRY_BYTES) / ENTRY_BYTES,
      );
      if (count === 0) break;
      for (let i = 0; i < count; i++, at += pageBytes) {
        const upper = words[2 * i + 1];
        const there =
          (upper & PRESENT) !== 0 &&
          !(anonymousOnly && upper & FILE_OR_SHARED) &&
          ((upper & EXCLUSIVE) !== 0 || counts(this.kindOf(words[2 * i], upper, found)));
        if (!(upper & PRESENT) && upper & SWAPPED) found.swapped++;
        if (there && from < 0) from = at;
        if (there || from < 0) continue;
        visit(from, at - from);
        from = -1;
      }
      const turn = breathe();
      if (turn) await turn;
    }
    if (from >= 0) visit(from, at - from);
    return found;
  }

  /** Frames have numbers only for those who may see them (CAP_SYS_ADMIN). Merged: by KSM; forked: all others that are shared. */
  private kindOf(lower: number, upper: number, found: Residency): SharedFrame {
    const frame = (upper % FRAME_BITS) * 2 ** 32 + lower;
    if (frame === 0 || this.frameFlags === undefined) return "unknown";
    let isZero = this.zeroFrames.has(frame);
    if (!isZero) {
      const bytes = Buffer.alloc(8);
      readSync(this.frameFlags, bytes, 0, 8, 8 * frame);
      const flags = bytes.readUInt32LE(0);
      isZero = ((flags >>> KPF_ZERO_PAGE) & 1) === 1;
      if (!isZero) return ((flags >>> KPF_KSM) & 1) === 1 ? "merged" : "forked";
      // There are few zero pages; shared frames may be any number, and change.
      this.zeroFrames.add(frame);
    }
    found.zeroPages++;
    return "zero";
  }

  /** Reads resident pages; the answer is how many bytes from the front could be read. Those of a running process may go. */
  read(target: Uint8Array, address: number): number {
    let done = 0;
    try {
      while (done < target.length) {
        const got = readSync(this.fd, target, done, target.length - done, address + done);
        if (got === 0) break;
        done += got;
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EIO" && code !== "EFAULT" && code !== "ENOMEM") throw error;
    }
    return done - (done % this.pageBytes);
  }

  /** Bytes of the mappings that ranges are in which are in huge pages; these are resident as a whole. */
  hugeBytes(ranges: readonly { start: number; end: number }[]): number {
    let huge = 0;
    let inside = false;
    for (const line of readFileSync(`/proc/${this.pid}/smaps`, "utf8").split("\n")) {
      const head = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
      if (head) {
        const [from, to] = [Number.parseInt(head[1], 16), Number.parseInt(head[2], 16)];
        inside = ranges.some(({ start, end }) => from < end && to > start);
        continue;
      }
      if (!inside) continue;
      const value = /^(?:AnonHugePages|ShmemPmdMapped|FilePmdMapped|(?:Shared|Private)_Hugetlb): +(\d+) kB/.exec(line);
      if (value) huge += Number(value[1]) * 1024;
    }
    return huge;
  }
}

/** The mappings of a process; none where this user may not see them. */
export function visibleMappings(pid: number): Mapping[] {
  try {
    return parseMappings(readFileSync(`/proc/${pid}/maps`, "utf8"));
  } catch {
    return [];
  }
}

/** The text of /proc/PID/maps. */
function parseMappings(text: string): Mapping[] {
  return text
    .split("\n")
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, start, end, permissions, offset, name]) => ({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      permissions,
      offset: Number.parseInt(offset, 16),
      name,
    }));
}

/** Where a link of /proc leads; nowhere if its process has ended, the file was closed, or this user may not see it. */
export function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

function openIfAllowed(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    return undefined;
  }
}

/** What it means that a file of /proc cannot be opened or read. */
export function refusal(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") {
    return new PagekinError("its memory may not be read by this user", {
      file,
      hint: "run as root, or grant CAP_SYS_PTRACE; a process of the same user also needs kernel.yama.ptrace_scope 0",
    });
  }
  if (code === "ENOENT" || code === "ESRCH") {
    const hint = "see ps for those that run; threads of the kernel and those that have ended have no memory";
    return new PagekinError("there is no such process with memory", { file, hint });
  }
  return error;
}
