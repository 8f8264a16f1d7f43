// Where a VM's RAM is: at which guest-physical addresses, and where in the memory of its QEMU.

import path from "node:path";
import { BASE_PAGE_BYTES } from "../core/hasher.js";
import { PagekinError, quoted, quotedList } from "../errors.js";
import type { Monitor } from "./monitor.js";
import type { Mapping } from "./process-memory.js";
import { ask, print } from "./qmp-answers.js";

/** A stretch of RAM that the guest sees. */
export interface RamPiece {
  /** Guest-physical. */
  address: number;
  bytes: number;
  /** Which block of memory it is a part of, and where in it. */
  block: string;
  offset: number;
}

/** A stretch of RAM and where QEMU has it. */
export interface HostedPiece extends RamPiece {
  hostAddress: number;
}

/** Bytes of a VM's RAM. */
export async function ramBytesOf(qmp: Monitor): Promise<number> {
  const summary = await ask(qmp, "query-memory-size-summary");
  return summary["base-memory"] + summary["plugged-memory"];
}

/** Devices that plug RAM in. Others (nvdimm, virtio-pmem, sgx-epc) have memory that QEMU leaves out of its own dumps too. */
const PLUGS_RAM = ["dimm", "virtio-mem", "hv-balloon"];

/** Of these, the guest may have any part at the moment, and QEMU does not tell which. */
const PLUGS_PARTS = ["virtio-mem", "hv-balloon"];

/** The RAM that a guest has, for a method that cannot leave out what is not plugged in; an error where it is unknown. */
export async function pluggedRamOf(qmp: Monitor): Promise<RamPiece[]> {
  const pieces = await ramOf(qmp);
  const unplugged = new Set<string>();
  for (const { type, data } of await ask(qmp, "query-memory-devices")) {
    if (!PLUGS_PARTS.includes(type)) continue;
    const block = path.posix.basename(data.memdev);
    const wholeBytes = pieces.filter((piece) => piece.block === block).reduce((sum, { bytes }) => sum + bytes, 0);
    if (data.size === 0) unplugged.add(block);
    else if (data.size !== wholeBytes)
      throw qmp.fault(
        `${type} ${quoted(block)} has ${data.size} of ${wholeBytes} bytes plugged in, and QEMU does not say which`,
        "use --method core or resident",
      );
  }
  return pieces.filter(({ block }) => !unplugged.has(block));
}

/** The RAM of a VM by guest-physical address. Device memory, firmware and what devices lie over are not in it. */
export async function ramOf(qmp: Monitor): Promise<RamPiece[]> {
  const backends = await ask(qmp, "query-memdev");
  const summary = await ask(qmp, "query-memory-size-summary");
  const devices = await ask(qmp, "query-memory-devices");
  const sizes = new Map(backends.map(({ id, size }) => [id, size]));
  let ramBytes = summary["base-memory"];
  for (const { type, data } of devices) {
    const block = path.posix.basename(data.memdev);
    // The whole of it, whatever the guest has of it: the rest has no page in memory.
    if (PLUGS_RAM.includes(type)) ramBytes += sizes.get(block) ?? 0;
    else sizes.delete(block);
  }
  const pieces = piecesIn(await print(qmp, "info mtree -f"), new Set(sizes.keys()));
  const isWrong = ({ address, bytes }: RamPiece) => !(bytes > 0 && Number.isSafeInteger(address + bytes));
  if (pieces.length > MOST_PIECES || pieces.some(isWrong)) {
    throw qmp.fault("its map of memory is not one that QEMU would print", "take --method core");
  }
  const blocks = [...new Set(pieces.map(({ block }) => block))];
  const found = blocks.reduce((sum, block) => sum + (sizes.get(block) ?? 0), 0);
  if (found !== ramBytes) {
    const what = `its memory backends (${quotedList(blocks)}) have ${found} bytes, its RAM ${ramBytes}`;
    throw qmp.fault(what, "take --method core");
  }
  return pieces;
}

/** Each costs two questions to QEMU; VGA and the gap below 4 GiB make some ten of a PC's RAM. */
const MOST_PIECES = 4096;
const LINE = /^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (?:ram|rom)\): (\S+)(?: @([0-9a-f]{16}))?/;

/** What `info mtree -f` shows of blocks; the shadowed part of them is rom. */
function piecesIn(text: string, blocks: ReadonlySet<string>): RamPiece[] {
  const views = text.split(/^FlatView /m);
  const memory = views.find((view) => /^ AS "memory", root: system/m.test(view)) ?? "";
  const pieces: RamPiece[] = [];
  for (const line of memory.split(/\r?\n/)) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [address, last, offset] = [match[1], match[2], match[4] ?? "0"].map((digits) => Number.parseInt(digits, 16));
    // Old machine types call a backend by its whole path.
    const block = path.posix.basename(match[3]);
    if (!blocks.has(block)) continue;
    const bytes = last + 1 - address;
    const before = pieces.at(-1);
    const follows = before?.block === block && before.address + before.bytes === address;
    if (before && follows && before.offset + before.bytes === offset) before.bytes += bytes;
    else pieces.push({ address, bytes, block, offset });
  }
  return pieces;
}

/** Asks QEMU where it has the RAM. */
export async function hostPieces(qmp: Monitor, pieces: readonly RamPiece[]): Promise<HostedPiece[]> {
  const hosted: HostedPiece[] = [];
  for (const piece of pieces) {
    const hostAddress = await hostAddressOf(qmp, piece.address);
    const last = await hostAddressOf(qmp, piece.address + piece.bytes - BASE_PAGE_BYTES);
    if (last - hostAddress !== piece.bytes - BASE_PAGE_BYTES)
      throw qmp.fault("its RAM is in parts", "take --method core");
    hosted.push({ ...piece, hostAddress });
  }
  return hosted;
}

async function hostAddressOf(qmp: Monitor, address: number): Promise<number> {
  const text = await print(qmp, `gpa2hva 0x${address.toString(16)}`);
  const match = /^Host virtual address for 0x[0-9a-f]+ \(.*\) is 0x([0-9a-f]+)/.exec(text);
  if (match) return Number.parseInt(match[1], 16);
  throw qmp.fault(`it does not tell where its RAM is: ${quoted(text.trim())}`, "take --method core");
}

/** Whether a process has all pieces where QEMU says. */
export function holdsPieces(mappings: readonly Mapping[], pieces: readonly HostedPiece[]): boolean {
  return pieces.every(({ hostAddress, bytes }) => {
    let at = hostAddress;
    for (const { start, end, permissions } of mappings)
      if (start <= at && at < end && permissions.startsWith("rw")) at = end;
    return at >= hostAddress + bytes;
  });
}

/** No process that this user may look at is the VM's. */
export function noProcess(shownAs: string): PagekinError {
  return new PagekinError("the process of this VM cannot be found or may not be looked at", {
    file: shownAs,
    hint: "run as root, or as QEMU's user with CAP_SYS_PTRACE; or take --method core, which QEMU does itself",
  });
}
