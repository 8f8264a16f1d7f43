// A process with memory that a test knows: of some pages every second one is written, one of the others only read.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";

const PAGE = 4096;
/** Wasm memory comes in these, and begins at a page's start. */
const WASM_PAGE = 65_536;
/** A page that is read and never written. */
export const READ_ONLY_PAGE = 5;

const SCRIPT = `
const pages = Number(process.argv[1]);
const memory = new WebAssembly.Memory({ initial: pages * ${PAGE} / ${WASM_PAGE} });
const words = new Uint32Array(memory.buffer);
for (let page = 0; page < pages; page += 2) {
  const at = page * ${PAGE / 4};
  words[at] = 0x6b696e21; words[at + 1] = page; words[at + 2] = ~page; words[at + 1023] = page * 7;
}
globalThis.seen = words[${READ_ONLY_PAGE} * ${PAGE / 4}];
console.log("ready");
setInterval(() => console.log("still here"), 20);
`;

export interface Patterned {
  child: ChildProcess;
  pid: number;
  /** Runs until it has said something more. */
  goesOn(): Promise<void>;
  end(): void;
}

/** Starts one; pages: a multiple of 16. */
export async function startPatterned(pages: number): Promise<Patterned> {
  const child = spawn(process.execPath, ["-e", SCRIPT, String(pages)], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    child,
    pid: child.pid as number,
    goesOn: async () => {
      // What waits in the pipe was said before.
      child.stdout.read();
      for (let i = 0; i < 10; i++) await once(child.stdout, "data");
    },
    end: () => child.kill("SIGKILL"),
  };
}

/** What a written page holds. */
export function patternOf(page: number): Buffer {
  const words = new Uint32Array(PAGE / 4);
  words.set([0x6b696e21, page, ~page]);
  words[1023] = page * 7;
  return Buffer.from(words.buffer);
}

/** The letters that tell what the threads of a process do: T is stopped. */
export function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").pop()?.[0] ?? "";
}

/** Why the memory of a child cannot be read here, if so; also where huge pages would blur which pages were touched. */
export function whyNotReadable(): string | undefined {
  if (process.platform !== "linux") return "this is no Linux";
  try {
    if (readFileSync("/sys/kernel/mm/transparent_hugepage/enabled", "utf8").includes("[always]"))
      return "huge pages come without being asked for";
  } catch {
    // A kernel without them.
  }
  return undefined;
}

/** Whether the kernel tells which frames are its zero page. */
export function seesFrames(): boolean {
  try {
    closeSync(openSync("/proc/kpageflags", "r"));
    return true;
  } catch {
    return false;
  }
}
