// The processes of this machine: what the kernel could merge of their memory, read in pieces while they run. Linux only.

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { PagekinError } from "../errors.js";
import type { PageIndex } from "../fingerprints/page-index.js";
import { breathe } from "../pace.js";
import { isVmProgram } from "../sources/vm-programs.js";

const PAGE_BYTES = 4096;
/** Entries of pagemap that are read at once. */
const ENTRIES = 32_768;
const KSM = "/sys/kernel/mm/ksm";

// Bits of the upper half of a pagemap entry (63, 62, 61, 56), and of kpageflags.
const PRESENT = 2 ** 31;
const SWAPPED = 2 ** 30;
const FILE_OR_SHARED = 2 ** 29;
const EXCLUSIVE = 2 ** 24;
const KPF_KSM = 21;
const KPF_ZERO_PAGE = 24;

export interface LiveProcess {
  pid: number;
  name: string;
  /** Private memory in RAM by the kernel's own count, in bytes: about what there is to read. */
  bytes: number;
}

/** Processes by what is to be done with them. */
export interface LiveProcesses {
  /** Largest first. */
  readable: LiveProcess[];
  vms: LiveProcess[];
  /** Not to be read by this user. */
  closed: LiveProcess[];
}

/** The processes of this machine, or those of some numbers. Kernel threads and pagekin itself are none. */
export function listProcesses(pids: readonly number[] | undefined): LiveProcesses {
  if (process.platform !== "linux")
    throw new PagekinError("--live reads /proc, which only Linux has", { hint: "name dumps of processes instead" });
  const all =
    pids ??
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  const found: LiveProcesses = { readable: [], vms: [], closed: [] };
  for (const pid of all) {
    if (pid === process.pid) continue;
    const one = lookAt(pid);
    if (one) found[isVm(one) ? "vms" : isReadable(pid) ? "readable" : "closed"].push(one);
    else if (pids) throw new PagekinError(`there is no process ${pid}`, { hint: "see ps -e for those there are" });
  }
  for (const list of Object.values(found))
    list.sort((a: LiveProcess, b: LiveProcess) => b.bytes - a.bytes || a.pid - b.pid);
  return found;
}

function lookAt(pid: number): LiveProcess | undefined {
  const status = textOf(`/proc/${pid}/status`);
  // Kernel threads and processes that have ended have no memory.
  const kib = status && /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  if (!kib) return undefined;
  return { pid, name: (textOf(`/proc/${pid}/comm`) ?? "").trimEnd(), bytes: Number(kib) * 1024 };
}

/** The text of a file of /proc; undefined where it is gone or closed. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

/** By its program, or since it has KVM open. */
function isVm({ pid, name }: LiveProcess): boolean {
  const program = path.basename(linkOf(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ""));
  if (isVmProgram(program) || isVmProgram(name)) return true;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === "/dev/kvm");
  } catch {
    return false;
  }
}

function isReadable(pid: number): boolean {
  try {
    for (const file of ["pagemap", "mem"]) closeSync(openSync(`/proc/${pid}/${file}`, "r"));
    return true;
  } catch {
    return false;
  }
}

/** What was read of a process. */
export interface ReadProcess {
  /** Pages in a frame that another process has too since a fork: they cost nothing twice, and are not counted. */
  forkSharedPages: number;
  /** Pages that were gone when they were to be read. */
  lostPages: number;
  /** It ended before all was read. */
  ended: boolean;
  /** What the kernel says of its merging, by the names in ksm_stat; undefined where it does not. */
  ksm: Record<string, number> | undefined;
}

/** Reads one process after the other into an index, each as a member of its own. */
export async function readProcesses(
  processes: readonly LiveProcess[],
  index: PageIndex,
  onBytes: (bytes: number) => void,
): Promise<ReadProcess[]> {
  const flags = openFlags();
  const results: ReadProcess[] = [];
  try {
    for (const { pid } of processes) {
      index.begin();
      results.push(await new ProcessReader(pid, index, flags, onBytes).read());
      index.end();
    }
  } finally {
    if (flags !== undefined) closeSync(flags);
  }
  return results;
}

/** What frames are, for those who may know. */
function openFlags(): number | undefined {
  try {
    return openSync("/proc/kpageflags", "r");
  } catch {
    return undefined;
  }
}

class ProcessReader {
  private readonly result: ReadProcess = { forkSharedPages: 0, lostPages: 0, ended: false, ksm: undefined };
  private readonly entries = Buffer.alloc(8 * ENTRIES);
  private readonly flagsOfFrame = Buffer.alloc(8);
  /** Bytes that wait in the index's input. */
  private waiting = 0;

  constructor(
    private readonly pid: number,
    private readonly index: PageIndex,
    private readonly flags: number | undefined,
    private readonly onBytes: (bytes: number) => void,
  ) {}

  async read(): Promise<ReadProcess> {
    const { pid, result } = this;
    result.ksm = ksmOf(pid);
    const opened: number[] = [];
    try {
      for (const file of ["pagemap", "mem"]) opened.push(openSync(`/proc/${pid}/${file}`, "r"));
      const [pagemap, memory] = opened;
      for (const [from, to] of areasIn(await readFile(`/proc/${pid}/smaps`, "utf8"))) {
        await this.readArea(pagemap, memory, from, to);
        if (result.ended) break;
      }
    } catch (error) {
      if (!isEnd(error)) throw error;
      result.ended = true;
    } finally {
      for (const fd of opened) closeSync(fd);
    }
    this.flush();
    return result;
  }

  /** from, to: page numbers. */
  private async readArea(pagemap: number, memory: number, from: number, to: number): Promise<void> {
    for (let first = from; first < to; first += ENTRIES) {
      const bytes = readSync(pagemap, this.entries, 0, 8 * Math.min(ENTRIES, to - first), 8 * first);
      if (bytes === 0) {
        this.result.ended = true;
        return;
      }
      for (let i = 0; i < bytes / 8; ) {
        if (!this.isWanted(i)) {
          i++;
          continue;
        }
        let end = i + 1;
        while (end < bytes / 8 && this.isWanted(end)) end++;
        await this.readRun(memory, first + i, end - i);
        i = end;
      }
      await breathe();
    }
  }

  /** Whether a page is private, anonymous, in memory, and in a frame of its own or one that was merged. */
  private isWanted(i: number): boolean {
    const upper = this.entries.readUInt32LE(8 * i + 4);
    if (upper < PRESENT || upper & SWAPPED || upper & FILE_OR_SHARED) return false;
    if (upper & EXCLUSIVE) return true;
    const frame = (upper % 2 ** 23) * 2 ** 32 + this.entries.readUInt32LE(8 * i);
    const kind = this.kindOf(frame);
    if (kind === "forked") this.result.forkSharedPages++;
    return kind === "merged";
  }

  /**
   * Why a frame is not the process's own: ksmd has merged it, it is the kernel's zero page, for which nobody is charged, or it
   * is shared since a fork. Who may not know the frames has the process's own word for whether any are merged.
   */
  private kindOf(frame: number): "merged" | "zero" | "forked" {
    if (this.flags === undefined || frame === 0)
      return (this.result.ksm?.ksm_merging_pages ?? 0) > 0 ? "merged" : "forked";
    readSync(this.flags, this.flagsOfFrame, 0, 8, 8 * frame);
    const flags = this.flagsOfFrame.readUInt32LE(0);
    const has = (bit: number) => ((flags >>> bit) & 1) === 1;
    return has(KPF_KSM) ? "merged" : has(KPF_ZERO_PAGE) ? "zero" : "forked";
  }

  private async readRun(memory: number, page: number, count: number): Promise<void> {
    const { input } = this.index;
    for (let done = 0; done < count; ) {
      if (this.waiting === input.length) this.flush();
      const bytes = Math.min(PAGE_BYTES * (count - done), input.length - this.waiting);
      const got = this.readBytes(memory, bytes, PAGE_BYTES * (page + done));
      this.waiting += PAGE_BYTES * got;
      this.onBytes(PAGE_BYTES * got);
      done += got;
      if (PAGE_BYTES * got < bytes) {
        this.result.lostPages++;
        done++;
      }
      const turn = breathe();
      if (turn) await turn;
    }
  }

  /** Whole pages that could be read. */
  private readBytes(memory: number, bytes: number, address: number): number {
    try {
      return Math.floor(readSync(memory, this.index.input, this.waiting, bytes, address) / PAGE_BYTES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EIO" || (error as NodeJS.ErrnoException).code === "EFAULT")
        return 0;
      throw error;
    }
  }

  private flush(): void {
    if (this.waiting > 0) this.index.take(this.waiting);
    this.waiting = 0;
  }
}

/** Whether an error says that the process is gone, or became somebody else's. */
const isEnd = (error: unknown) =>
  ["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");

/** Areas that the kernel lends to every process. */
const OF_THE_KERNEL = /^\[(vdso|vvar.*|vsyscall|uprobes)\]$/;

/** The areas with private memory: page numbers. (What is only reserved may be much larger than any memory.) */
function areasIn(smaps: string): [from: number, to: number][] {
  const areas: [number, number][] = [];
  for (const area of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m.exec(area);
    if (!head || OF_THE_KERNEL.test(head[4]) || /^Anonymous:\s+0 kB$/m.test(area)) continue;
    areas.push([Number.parseInt(head[1], 16) / PAGE_BYTES, Number.parseInt(head[2], 16) / PAGE_BYTES]);
  }
  return areas;
}

function ksmOf(pid: number): Record<string, number> | undefined {
  const text = textOf(`/proc/${pid}/ksm_stat`);
  if (text === undefined) return undefined;
  return Object.fromEntries([...text.matchAll(/^(\w+) (-?\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** What the kernel says of its merging on the whole machine, by the names of its files; undefined without KSM. */
export function readKsm(): Record<string, number> | undefined {
  const names = ["run", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "ksm_zero_pages"];
  const values = [...names, "general_profit", "full_scans"].flatMap((name) => {
    const text = textOf(`${KSM}/${name}`);
    return text === undefined ? [] : [[name, Number(text)]];
  });
  return values.length > 0 ? Object.fromEntries(values) : undefined;
}
