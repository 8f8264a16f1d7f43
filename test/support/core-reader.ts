// ELF cores of 64 bits as they lie on the disk, read without pagekin.

import { closeSync, openSync, readSync } from "node:fs";

export interface Segment {
  type: number;
  flags: number;
  offset: number;
  vaddr: number;
  paddr: number;
  stored: number;
  bytes: number;
}

export interface CoreFile {
  machine: number;
  /** e_phnum as it stands in the header. */
  countInHeader: number;
  segments: Segment[];
  /** The bytes of a page by its address; undefined where it is absent. */
  page(address: number): Buffer | undefined;
  /** Addresses of all pages that are stored. */
  pages(): Generator<number>;
  close(): void;
}

const PAGE = 4096;
const LOAD = 1;

/** space: which of the two addresses counts. */
export function openCore(file: string, space: "vaddr" | "paddr"): CoreFile {
  const fd = openSync(file, "r");
  const read = (offset: number, bytes: number) => {
    const target = Buffer.alloc(bytes);
    for (let done = 0; done < bytes; ) {
      const got = readSync(fd, target, done, bytes - done, offset + done);
      if (got === 0) throw new Error(`${file} ends at ${offset + done}`);
      done += got;
    }
    return target;
  };
  const head = read(0, 64);
  if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1 || head.readUInt16LE(16) !== 4)
    throw new Error(`${file} is no core`);
  const countInHeader = head.readUInt16LE(56);
  const word = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));
  const count = countInHeader === 0xffff ? read(word(head, 40), 64).readUInt32LE(44) : countInHeader;
  const rows = read(word(head, 32), count * 56);
  const segments = Array.from({ length: count }, (_, i): Segment => {
    const at = i * 56;
    const [offset, vaddr, paddr, stored, bytes] = [8, 16, 24, 32, 40].map((field) => word(rows, at + field));
    return { type: rows.readUInt32LE(at), flags: rows.readUInt32LE(at + 4), offset, vaddr, paddr, stored, bytes };
  });
  const offsets = new Map<number, number>();
  for (const { type, offset, stored, ...addresses } of segments) {
    if (type !== LOAD) continue;
    for (let at = 0; at < stored; at += PAGE) offsets.set(addresses[space] + at, offset + at);
  }
  return {
    machine: head.readUInt16LE(18),
    countInHeader,
    segments,
    page: (address) => {
      const offset = offsets.get(address);
      return offset === undefined ? undefined : read(offset, PAGE);
    },
    *pages() {
      yield* offsets.keys();
    },
    close: () => closeSync(fd),
  };
}
