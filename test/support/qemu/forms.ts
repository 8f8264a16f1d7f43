// The forms in which QEMU writes a guest's memory, and what each must hold of it by rules that are not pagekin's.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { saved, streamAt } from "../dumps/virsh.js";
import { type ReferencePage, referencePages } from "../reference.js";
import { HAS_ZSTD, zstd } from "../tools.js";
import type { Guest } from "./guest.js";

const PAGE = 4096;
const MIB = 2 ** 20;
/** A segment of a core that lies in the part that was asked for. */
const PART = { begin: 16 * MIB, length: 32 * MIB };
/** Without a limit; QEMU's own would make a stream of a running guest slow. */
const BANDWIDTH = 2 ** 40;
/** So slow that a running guest writes to pages that were sent already. */
const SLOW_BANDWIDTH = 50 * MIB;

export type Pages = ReadonlyMap<number, ReferencePage>;

/** A dump: its file's name is the member's. */
export interface Form {
  file: string;
  /** The pages of RAM that it holds. Forms of the same pages have the same map. */
  pages: Pages;
  /** Bytes of RAM of which it says that it does not hold them. A dump of QEMU's speaks of nothing that it does not hold. */
  absent?: number;
  /** Zero pages have no bytes in it. */
  elides?: boolean;
  /** Bytes of devices and firmware. */
  outside: number;
  /** Bytes that stand in it for the second time; undefined: what a running guest has written to meanwhile. */
  repeated: number | undefined;
}

const numbered = (pages: readonly ReferencePage[]): Pages => new Map(pages.entries());

const those = (pages: Pages, isThere: (page: number) => boolean): Pages =>
  new Map([...pages].filter(([page]) => isThere(page)));

/** What a file of a guest holds, page by page, by another program's fingerprints. */
export const pagesIn = (file: string): Pages => numbered(referencePages(readFileSync(file), PAGE));

export interface Memory {
  /** RAM, from address 0. */
  ram: Pages;
  /** What answers at those addresses: in the window of a VGA card this is the card. */
  seen: Pages;
  /** Pages that are RAM for the processor. */
  isRam: (page: number) => boolean;
}

/** A stopped guest's memory in every form that this QEMU writes and that does not set it going. */
export async function formsOf(guest: Guest, { ram, seen, isRam }: Memory): Promise<Form[]> {
  const at = (file: string) => path.join(guest.folder, file);
  const bytes = ram.size * PAGE;
  const { formats } = await guest.run<{ formats: string[] }>("query-dump-guest-memory-capability");
  // A Windows dump needs Windows in the guest.
  const kdumps = formats.filter((format) => format.startsWith("kdump"));
  await dump(guest, "elf", { paging: false });
  await dump(guest, "paging", { paging: true });
  await dump(guest, "part", { paging: false, ...PART });
  for (const format of kdumps) await dumpStopped(guest, format, format);
  await streamOfStopped(guest, "stream");

  const visible = those(ram, isRam);
  const whole = loadsOf(readFileSync(at("elf")), bytes);
  const mapped = loadsOf(readFileSync(at("paging")), bytes);
  const asElf = { pages: visible, outside: whole.outside, repeated: 0 };
  const inPart = (page: number) => page * PAGE >= PART.begin && page * PAGE < PART.begin + PART.length;
  const asStream = { pages: ram, elides: true, outside: await bytesOfDevices(guest, bytes), repeated: 0 };
  return [
    { file: "raw", pages: seen, outside: 0, repeated: 0 },
    { file: "elf", ...asElf },
    { file: "paging", ...mapped, pages: those(visible, (page) => mapped.pages.has(page)) },
    { file: "part", pages: those(visible, inPart), outside: 0, repeated: 0 },
    ...kdumps.map((file) => ({ file, ...asElf })),
    { file: "stream", ...asStream },
    virshOf(guest, "saved", 0, (stream) => stream, asStream),
  ];
}

/** Further forms: packed ones. */
export function packed(guest: Guest, forms: readonly Form[]): Form[] {
  const [elf, stream] = ["elf", "stream"].map((name) => forms.find(({ file }) => file === name) as Form);
  const fast = (bytes: Buffer) => gzipSync(bytes, { level: 1 });
  writeFileSync(path.join(guest.folder, "elf.gz"), fast(readFileSync(path.join(guest.folder, "elf"))));
  return [
    { ...elf, file: "elf.gz" },
    virshOf(guest, "saved-gzip", 1, fast, stream),
    ...(HAS_ZSTD ? [virshOf(guest, "saved-zstd", 5, (bytes) => zstd(bytes), stream)] : []),
  ];
}

/** What `virsh save` makes of a stream. */
function virshOf(
  { folder }: Guest,
  file: string,
  packedAs: number,
  pack: (stream: Buffer) => Buffer,
  like: Omit<Form, "file">,
): Form {
  const stream = pack(readFileSync(path.join(folder, "stream")));
  writeFileSync(path.join(folder, file), saved({ stream, packedAs }));
  return { ...like, file };
}

function dump(guest: Guest, file: string, options: Record<string, unknown>): Promise<unknown> {
  return guest.run("dump-guest-memory", { protocol: `file:${path.join(guest.folder, file)}`, ...options });
}

/** Dumps a running guest, which QEMU stops meanwhile. */
export const dumpRunning = (guest: Guest, file: string) => dump(guest, file, { paging: false });

export const dumpStopped = (guest: Guest, file: string, format: string) => dump(guest, file, { paging: false, format });

/** command: what takes the stream. */
export const streamOfStopped = (guest: Guest, file: string, command?: string) =>
  migrate(guest, file, BANDWIDTH, command && `exec:${command}`);

async function migrate(guest: Guest, file: string, bandwidth: number, uri = `exec:cat > ${file}`): Promise<void> {
  await guest.run("migrate-set-parameters", { "max-bandwidth": bandwidth });
  await guest.run("migrate", { uri });
  let status = "";
  await guest.until("the stream is written", async () => {
    status = (await guest.run<{ status?: string }>("query-migrate")).status ?? "";
    return status === "completed" || status === "failed";
  });
  if (status === "failed") throw new Error(`${file}: the stream could not be written`);
}

/** A running guest's stream. The guest stands still behind it, and its memory then is what the stream must hold. */
export async function streamOfRunning(guest: Guest, memory: () => Promise<Pages>): Promise<Form> {
  await migrate(guest, "running", SLOW_BANDWIDTH);
  const ram = await memory();
  const outside = await bytesOfDevices(guest, ram.size * PAGE);
  return { file: "running", pages: ram, elides: true, outside, repeated: undefined };
}

/** Whether this QEMU writes streams whose pages have fixed places (since 9.0). */
export async function hasMappedRam(guest: Guest): Promise<boolean> {
  const capabilities = await guest.run<{ capability: string }[]>("query-migrate-capabilities");
  return capabilities.some(({ capability }) => capability === "mapped-ram");
}

/** A stream whose pages have fixed places, of a running guest; for virsh: behind the header that libvirt writes. */
export async function mappedStream(guest: Guest, file: string, virsh: boolean, memory: () => Promise<Pages>) {
  const place = path.join(guest.folder, file);
  const header = virsh ? saved({ stream: Buffer.alloc(0), packedAs: 6 }) : Buffer.alloc(0);
  writeFileSync(place, header);
  await setCapability(guest, "mapped-ram", true);
  await migrate(guest, file, BANDWIDTH, `file:${place}${virsh ? `,offset=${streamAt()}` : ""}`);
  await setCapability(guest, "mapped-ram", false);
  // libvirt writes its header at last; QEMU may have cut the file to nothing.
  const written = readFileSync(place);
  header.copy(written);
  writeFileSync(place, written);
  const ram = await memory();
  return { file, pages: ram, elides: true, outside: await bytesOfDevices(guest, ram.size * PAGE), repeated: 0 };
}

const setCapability = (guest: Guest, capability: string, state: boolean) =>
  guest.run("migrate-set-capabilities", { capabilities: [{ capability, state }] });

/** What the LOAD segments of a core of x86-64 have, by physical addresses. */
export function loadsOf(core: Buffer, ramBytes: number): { pages: Set<number>; outside: number; repeated: number } {
  const [first, each, count] = [Number(core.readBigUInt64LE(32)), core.readUInt16LE(54), core.readUInt16LE(56)];
  const all = new Set<number>();
  let bytes = 0;
  for (let at = first; at < first + count * each; at += each) {
    if (core.readUInt32LE(at) !== 1) continue;
    const [address, length] = [core.readBigUInt64LE(at + 24), core.readBigUInt64LE(at + 32)].map(Number);
    for (let page = address / PAGE; page < (address + length) / PAGE; page++) all.add(page);
    bytes += length;
  }
  const pages = new Set([...all].filter((page) => page < ramBytes / PAGE));
  return { pages, outside: (all.size - pages.size) * PAGE, repeated: bytes - all.size * PAGE };
}

/** Bytes of the blocks that are not RAM, as QEMU lists them. */
export async function bytesOfDevices(guest: Guest, ramBytes: number): Promise<number> {
  const blocks = await guest.print("info ramblock");
  const used = [...blocks.matchAll(/ KiB +0x\w+ +0x(\w+) +0x/g)].map((match) => Number.parseInt(match[1], 16));
  return used.reduce((sum, bytes) => sum + bytes, 0) - ramBytes;
}
