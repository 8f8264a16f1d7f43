// The processes of this machine: what the kernel could merge of their memory, read in pieces while they run. Linux only.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { PagekinError } from "../errors.js";
import type { PageIndex } from "../processes/page-index.js";
import { isVmProgram } from "../processes/vm-programs.js";
import { breathe } from "../system/pace.js";
import { linkOf, ProcessMemory, type SharedFrame } from "./process-memory.js";
import { OF_THE_KERNEL } from "./process-subject.js";

/** What is looked at and then read, at a time. */
const PIECE_BYTES = 128 * 1024 * 1024;
const KSM = "/sys/kernel/mm/ksm";

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
  // A process that is named twice would share all of its memory with itself.
  const all = pids
    ? new Set(pids)
    : readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number);
  const found: LiveProcesses = { readable: [], vms: [], closed: [] };
  for (const pid of all) {
    if (pid === process.pid) continue;
    const one = lookAt(pid);
    if (one) found[isVm(one) ? "vms" : isReadable(pid) ? "readable" : "closed"].push(one);
    else if (pids)
      throw new PagekinError(`there is no process ${pid} with memory`, {
        hint: "see ps -e for those there are; threads of the kernel and those that have ended have no memory",
      });
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
  const results: ReadProcess[] = [];
  for (const { pid } of processes) {
    index.begin();
    results.push(await new ProcessReader(pid, index, onBytes).read());
    index.end();
  }
  return results;
}

class ProcessReader {
  private readonly result: ReadProcess;
  /** Bytes that wait in the index's input. */
  private waiting = 0;

  constructor(
    private readonly pid: number,
    private readonly index: PageIndex,
    private readonly onBytes: (bytes: number) => void,
  ) {
    this.result = { forkSharedPages: 0, lostPages: 0, ended: false, ksm: ksmOf(pid) };
  }

  async read(): Promise<ReadProcess> {
    const { pid, result } = this;
    let memory: ProcessMemory | undefined;
    try {
      memory = ProcessMemory.open(pid, `process ${pid}`);
      for (const [start, end] of areasIn(await readFile(`/proc/${pid}/smaps`, "utf8"))) {
        await this.readArea(memory, start, end);
      }
      result.ended = lookAt(pid) === undefined;
    } catch (error) {
      if (!isEnd(error)) throw error;
      result.ended = true;
    } finally {
      memory?.close();
    }
    this.flush();
    return result;
  }

  /** Piece by piece, so that between seeing which pages are there and reading them little time passes. */
  private async readArea(memory: ProcessMemory, start: number, end: number): Promise<void> {
    for (let from = start; from < end; from += PIECE_BYTES) {
      const runs: [address: number, bytes: number][] = [];
      const note = (address: number, bytes: number) => runs.push([address, bytes]);
      await memory.eachRun(from, Math.min(end, from + PIECE_BYTES), true, note, (kind) => this.counts(kind));
      for (const [address, bytes] of runs) await this.readRun(memory, address, bytes);
    }
  }

  /** Whether a page counts whose frame is not the process's own. Merged ones do: they are what merging saves. */
  private counts(kind: SharedFrame): boolean {
    // Who may not know the frames has the process's own word for whether any are merged.
    const isMerged = kind === "merged" || (kind === "unknown" && (this.result.ksm?.ksm_merging_pages ?? 0) > 0);
    if (!isMerged && kind !== "zero") this.result.forkSharedPages++;
    return isMerged;
  }

  private async readRun(memory: ProcessMemory, address: number, bytes: number): Promise<void> {
    const { input } = this.index;
    for (let done = 0; done < bytes; ) {
      if (this.waiting === input.length) this.flush();
      const wanted = Math.min(bytes - done, input.length - this.waiting);
      const got = memory.read(input.subarray(this.waiting, this.waiting + wanted), address + done);
      this.waiting += got;
      this.onBytes(got);
      done += got;
      if (got < wanted) {
        this.result.lostPages++;
        done += BASE_PAGE_BYTES;
      }
      const turn = breathe();
      if (turn) await turn;
    }
  }

  private flush(): void {
    if (this.waiting > 0) this.index.take(this.waiting);
    this.waiting = 0;
  }
}

/** Whether an error says that the process is gone, or became somebody else's. */
const isEnd = (error: unknown) =>
  error instanceof PagekinError || ["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "");

/** The areas with private memory: addresses. (What is only reserved may be much larger than any memory.) */
function areasIn(smaps: string): [start: number, end: number][] {
  const areas: [number, number][] = [];
  for (const area of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m.exec(area);
    if (!head || OF_THE_KERNEL.test(head[4]) || /^Anonymous:\s+0 kB$/m.test(area)) continue;
    areas.push([Number.parseInt(head[1], 16), Number.parseInt(head[2], 16)]);
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
