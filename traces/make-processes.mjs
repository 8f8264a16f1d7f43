// node traces/make-processes.mjs DIR: traces of four normal processes in DIR. On Linux, as root, after npm run setup.
// The programs in traces/processes/ run at the same time, each on the same documents, until they wait for more to do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parquetWriteFile } from "hyparquet-writer";
import { fingerprintPages, VERSION } from "pagekin";
import { writeDocuments } from "./processes/documents.mjs";

const PAGE = 4096;
/** Entries of pagemap that are read at once. */
const ENTRIES = 65_536;
/** Little that tells of the machine gets into the memory of what runs. */
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
const PROGRAMS = [
  { member: "python1", command: "python3", file: "python1.py" },
  { member: "python2", command: "python3", file: "python2.py" },
  { member: "perl", command: "perl", file: "perl.pl" },
  { member: "browser", command: process.execPath, file: "browser.mjs" },
];
/** Areas that the kernel lends to every process; their names differ between kernels. */
const OF_THE_KERNEL = /^\[(vdso|vvar.*|vsyscall|uprobes)\]$/;
// Bits of the upper half of a pagemap entry (63, 62, 61), and of kpageflags.
const PRESENT = 2 ** 31;
const SWAPPED = 2 ** 30;
const FILE_OR_SHARED = 2 ** 29;
const KPF_ANON = 12;
const KPF_ZERO_PAGE = 24;

/** Starts a program; the promise is kept when it says that it is ready. */
function start({ member, command, file }, folder) {
  const script = path.join(import.meta.dirname, "processes", file);
  const child = spawn(command, [script, "documents.html"], {
    cwd: folder,
    env: ENVIRONMENT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = (async () => {
    await once(child, "spawn");
    if ((await lines.next()).value !== "ready") throw new Error(`${member} ended before it was ready`);
  })();
  return { member, child, ready };
}

/** Stops a process; after this none of its threads changes memory. */
async function stop(pid) {
  process.kill(pid, "SIGSTOP");
  const state = (thread) => / \((?:.|\n)*\) (\w)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1"))?.[1];
  while (readdirSync(`/proc/${pid}/task`).some((thread) => state(thread) !== "T")) await sleep(10);
}

/** The numbers of the pages that the kernel could merge: anonymous, private, in memory. */
function mergeablePages(pid) {
  const [pagemap, kpageflags] = [`/proc/${pid}/pagemap`, "/proc/kpageflags"].map((file) => openSync(file, "r"));
  const entries = Buffer.alloc(8 * ENTRIES);
  const flags = Buffer.alloc(8);
  const pages = [];
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").trimEnd().split("\n")) {
    const [, from, to, name] = /^(\w+)-(\w+)(?: +\S+){4} *(.*)$/.exec(line);
    if (OF_THE_KERNEL.test(name)) continue;
    const end = Number.parseInt(to, 16) / PAGE;
    for (let first = Number.parseInt(from, 16) / PAGE; first < end; first += ENTRIES) {
      const count = readSync(pagemap, entries, 0, 8 * Math.min(ENTRIES, end - first), 8 * first) / 8;
      for (let i = 0; i < count; i++) {
        const upper = entries.readUInt32LE(8 * i + 4);
        if (upper < PRESENT || upper & SWAPPED || upper & FILE_OR_SHARED) continue;
        // What was read and never written shows the kernel's one zero page: it takes no memory, and is not merged.
        const frame = (upper % 2 ** 23) * 2 ** 32 + entries.readUInt32LE(8 * i);
        readSync(kpageflags, flags, 0, 8, 8 * frame);
        const has = (bit) => (flags.readUInt32LE(0) >>> bit) & 1;
        if (has(KPF_ANON) && !has(KPF_ZERO_PAGE)) pages.push(first + i);
      }
    }
  }
  closeSync(pagemap);
  closeSync(kpageflags);
  return pages;
}

function readPages(pid, pages) {
  const bytes = Buffer.alloc(PAGE * pages.length);
  const memory = openSync(`/proc/${pid}/mem`, "r");
  pages.forEach((page, i) => {
    if (readSync(memory, bytes, PAGE * i, PAGE, PAGE * page) !== PAGE) throw new Error(`page ${page} is cut`);
  });
  closeSync(memory);
  return bytes;
}

/** Writes the trace of a stopped process; gives its pages and zero pages. */
function writeTrace(member, pid, folder) {
  const pages = mergeablePages(pid);
  const hashed = fingerprintPages(readPages(pid, pages), [PAGE]).get(PAGE);
  const zeroPages = hashed.filter(({ zero }) => zero).length;
  const ledger = { nonzero_bytes: PAGE * (pages.length - zeroPages), stored_zero_bytes: PAGE * zeroPages };
  const repetition_type = "REQUIRED";
  parquetWriteFile({
    filename: path.join(folder, `${member}.parquet`),
    rowGroupSize: 131_072,
    schema: [
      { name: "trace", num_children: 6 },
      { name: "member", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type },
      { name: "time_s", type: "DOUBLE", repetition_type },
      { name: "page_bytes", type: "INT32", repetition_type },
      { name: "page", type: "INT64", repetition_type },
      { name: "fingerprint", type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, repetition_type },
      { name: "zero", type: "BOOLEAN", repetition_type },
    ],
    columnData: [
      { name: "member", data: pages.map(() => member) },
      { name: "time_s", data: pages.map(() => 0) },
      { name: "page_bytes", data: pages.map(() => PAGE) },
      { name: "page", data: BigInt64Array.from(pages, BigInt), encoding: "DELTA_BINARY_PACKED" },
      { name: "fingerprint", data: hashed.map(({ fingerprint }) => Buffer.from(fingerprint, "hex")) },
      { name: "zero", data: hashed.map(({ zero }) => zero) },
    ],
    kvMetadata: [
      { key: "pagekin.version", value: VERSION },
      { key: "pagekin.algorithm", value: "xxh3-128" },
      { key: "pagekin.key_id", value: "" },
      { key: "pagekin.address_space", value: "virtual" },
      { key: "pagekin.source", value: `process ${member}` },
      { key: "pagekin.ledger", value: JSON.stringify(ledger) },
    ],
  });
  return { pages: pages.length, zeroPages };
}

const [out, ...rest] = process.argv.slice(2);
if (out === undefined || out.startsWith("-") || rest.length > 0 || process.getuid?.() !== 0) {
  console.error("usage: node traces/make-processes.mjs DIR (as root)");
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(path.join(tmpdir(), "pagekin-processes-"));
const running = [];
// However this ends: nothing goes on running, or stays stopped.
process.on("exit", () => {
  for (const { child } of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

writeFileSync(path.join(folder, "documents.html"), writeDocuments());
for (const program of PROGRAMS) running.push(start(program, folder));
await Promise.all(running.map(({ ready }) => ready));
// Threads in the background (of V8, say) come to rest.
await sleep(2000);
for (const { child } of running) await stop(child.pid);
for (const { member, child } of running) {
  const { pages, zeroPages } = writeTrace(member, child.pid, out);
  console.log(`${member}: ${pages} pages, ${zeroPages} zero`);
}
// Their pipes would keep this one waiting.
process.exit();
