// Writes kdumps, plain and flattened, as the C structures of makedumpfile's diskdump_mod.h lie in memory.

import { deflateSync } from "node:zlib";

/** A page's data as they are in the file, with the descriptor's flags. */
export interface Coded {
  flags: number;
  data: Uint8Array;
}

/** Bytes are stored as they are. A lost page has a descriptor without a place; `like` shares the data of another page. */
type Page = Uint8Array | Coded | "excluded" | "lost" | { like: number };

export interface KdumpSpec {
  pages: Record<number, Page>;
  signature?: string;
  version?: number;
  /** Of a C long. */
  longBytes?: 4 | 8;
  littleEndian?: boolean;
  /** What an 8-byte number is aligned to: 4 on i386, otherwise 8. */
  alignment?: 4 | 8;
  /** What the kernel calls itself, and its machine; QEMU leaves the first out. */
  systemName?: string;
  machine?: string;
  /** When it was taken, in seconds. */
  time?: number;
  status?: number;
  blockBytes?: number;
  dumpLevel?: number;
  part?: [from: number, to: number];
  maxMapnr?: number;
  oneBitmap?: boolean;
  notes?: Uint8Array;
  /** Fields that lie. */
  lies?: { maxMapnr?: number; bitmapBlocks?: number; subHeaderBlocks?: number };
}

/** Stored as makedumpfile stores it: one literal run of each codec, or real zlib. */
export const coded = {
  zlib: (page: Uint8Array): Coded => ({ flags: 1, data: deflateSync(page) }),
  /** The first byte says 8 literals; then a match of 8 bytes back for all the rest: the page is 8 bytes, repeated. */
  lzo: (eight: Uint8Array, blockBytes: number): Coded => {
    const rest = blockBytes - 8 - 2 - 31;
    const zeros = Math.ceil(rest / 255) - 1;
    const length = [32, ...new Array(zeros).fill(0), rest - 255 * zeros];
    return { flags: 2, data: Uint8Array.from([17 + 8, ...eight, ...length, 7 << 2, 0, 17, 0, 0]) };
  },
  /** The length, 8 literals, then copies of up to 64 bytes from 8 bytes back. */
  snappy: (eight: Uint8Array, blockBytes: number): Coded => {
    const length = [(blockBytes & 0x7f) | 0x80, ((blockBytes >> 7) & 0x7f) | (blockBytes > 0x3fff ? 0x80 : 0)];
    if (blockBytes > 0x3fff) length.push(blockBytes >> 14);
    const copies: number[] = [];
    for (let rest = blockBytes - 8; rest > 0; rest -= 64) copies.push(((Math.min(rest, 64) - 1) << 2) | 2, 8, 0);
    return { flags: 4, data: Uint8Array.from([...length, (8 - 1) << 2, ...eight, ...copies]) };
  },
  /** A frame of one block that repeats one byte. */
  zstd: (byte: number, blockBytes: number): Coded => {
    const size = blockBytes - 256;
    const block = (blockBytes << 3) | (1 << 1) | 1;
    const frame = [0x28, 0xb5, 0x2f, 0xfd, 0x60, size & 0xff, size >> 8];
    return { flags: 0x20, data: Uint8Array.from([...frame, block & 0xff, (block >> 8) & 0xff, block >> 16, byte]) };
  },
};

/** A C structure: each number stands at a multiple of its alignment. */
class Struct {
  private readonly bytes: number[] = [];

  constructor(
    private readonly longBytes: 4 | 8,
    private readonly alignment: 4 | 8,
    private readonly littleEndian: boolean,
  ) {}

  text(text: string, length: number): this {
    for (let i = 0; i < length; i++) this.bytes.push(text.charCodeAt(i) || 0);
    return this;
  }

  int(...values: number[]): this {
    for (const value of values) this.number(value, 4, 4);
    return this;
  }

  long(...values: number[]): this {
    for (const value of values) this.number(value, this.longBytes, this.longBytes);
    return this;
  }

  longLong(...values: number[]): this {
    for (const value of values) this.number(value, 8, this.alignment);
    return this;
  }

  /** Filled with zeros to so many bytes. */
  padded(length: number): Buffer {
    const target = Buffer.alloc(length);
    target.set(this.bytes);
    return target;
  }

  private number(value: number, size: number, alignment: number): void {
    while (this.bytes.length % alignment !== 0) this.bytes.push(0);
    const bytes = Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
    this.bytes.push(...(this.littleEndian ? bytes : bytes.reverse()));
  }
}

export function kdumpOf(spec: KdumpSpec): Buffer {
  const { pages, version = 6, longBytes = 8, littleEndian = true, machine = "x86_64" } = spec;
  const { blockBytes = 4096, lies = {} } = spec;
  const struct = () => new Struct(longBytes, spec.alignment ?? (longBytes === 8 ? 8 : 4), littleEndian);
  const numbers = Object.keys(pages).map(Number);
  const maxMapnr = spec.maxMapnr ?? Math.max(-1, ...numbers) + 1;
  const bitmapBytes = Math.max(1, Math.ceil(maxMapnr / 8 / blockBytes)) * blockBytes;
  const bitmap = (isSet: (page: Page) => boolean) => {
    const bits = Buffer.alloc(bitmapBytes);
    for (const n of numbers) if (isSet(pages[n])) bits[n >> 3] |= 1 << (n & 7);
    return bits;
  };
  const dumped = bitmap((page) => page !== "excluded");
  const bitmaps = spec.oneBitmap ? [dumped] : [bitmap(() => true), dumped];
  const [from, to] = spec.part ?? [0, Number.POSITIVE_INFINITY];
  const described = numbers.filter((n) => pages[n] !== "excluded" && n >= from && n < to);
  const notesAt = blockBytes + 512;
  const header = struct()
    .text(spec.signature ?? "KDUMP   ", 8)
    .int(version)
    .text(spec.systemName ?? "", 4 * 65)
    .text(machine, 2 * 65)
    .long(spec.time ?? 0, 0)
    .int(spec.status ?? 0, blockBytes, lies.subHeaderBlocks ?? 1)
    .int(lies.bitmapBlocks ?? (bitmaps.length * bitmapBytes) / blockBytes)
    .int(Math.min(lies.maxMapnr ?? maxMapnr, 0xffffffff), 0, 0, 0, 0, 1);
  const sub = struct().long(0);
  sub.int(spec.dumpLevel ?? 0, spec.part ? 1 : 0).long(...(spec.part ?? [0, 0]));
  sub.longLong(0).long(0);
  sub.longLong(spec.notes ? notesAt : 0).long(spec.notes?.length ?? 0);
  sub.longLong(0).long(0);
  // Before version 6 these fields do not exist: what stands there is no number of pages.
  if (version >= 6) sub.longLong(...(spec.part ?? [0, 0]), lies.maxMapnr ?? maxMapnr);
  else sub.longLong(0x77, 0x77, 0x77);
  const subBlock = sub.padded(blockBytes);
  if (spec.notes) subBlock.set(spec.notes, notesAt - blockBytes);
  const head = Buffer.concat([header.padded(blockBytes), subBlock, ...bitmaps]);
  return Buffer.concat([head, ...descriptorsAndData(pages, described, head.length, struct)]);
}

/** The descriptors of pages in their order, then their data. */
function descriptorsAndData(
  pages: KdumpSpec["pages"],
  described: readonly number[],
  at: number,
  struct: () => Struct,
): Buffer[] {
  const places = new Map<number, number>();
  const data: Buffer[] = [];
  let end = at + described.length * 24;
  for (const n of described) {
    const page = pages[n];
    if (typeof page === "string" || "like" in page) continue;
    const bytes = page instanceof Uint8Array ? page : page.data;
    places.set(n, end);
    data.push(Buffer.from(bytes));
    end += bytes.length;
  }
  const descriptorOf = (source: number): Buffer => {
    const page = pages[source];
    if (typeof page === "string" || "like" in page) return struct().longLong(0).int(0, 0).longLong(0).padded(24);
    const [flags, bytes] = page instanceof Uint8Array ? [0, page] : [page.flags, page.data];
    const place = places.get(source) ?? 0;
    return struct().longLong(place).int(bytes.length, flags).longLong(0).padded(24);
  };
  const made = new Map<number, Buffer>();
  const descriptors = described.map((n) => {
    const page = pages[n];
    const source = typeof page === "object" && "like" in page ? page.like : n;
    const descriptor = made.get(source) ?? descriptorOf(source);
    made.set(source, descriptor);
    return descriptor;
  });
  return [...descriptors, ...data];
}

/** A chunk of a flattened dump: these bytes at this position of the plain file. */
export type Chunk = [position: number, bytes: Uint8Array];

export function flattenedOf(chunks: readonly Chunk[], { endMark = true } = {}): Buffer {
  const head = Buffer.alloc(4096);
  head.write("makedumpfile");
  head.writeBigInt64BE(1n, 16);
  head.writeBigInt64BE(1n, 24);
  const record = (position: number, size: number) => {
    const target = Buffer.alloc(16);
    target.writeBigInt64BE(BigInt(position));
    target.writeBigInt64BE(BigInt(size), 8);
    return target;
  };
  const records = chunks.flatMap(([position, bytes]) => [record(position, bytes.length), bytes]);
  return Buffer.concat([head, ...records, ...(endMark ? [record(-1, -1)] : [])]);
}

/** A plain file in chunks of some size each. */
export function inChunks(plain: Uint8Array, chunkBytes: number): Chunk[] {
  return Array.from({ length: Math.ceil(plain.length / chunkBytes) }, (_, i) => [
    i * chunkBytes,
    plain.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  ]);
}

/** An ELF note. */
export function noteOf(name: string, type: number, descBytes: number): Buffer {
  const nameBytes = Math.ceil((name.length + 1) / 4) * 4;
  const note = Buffer.alloc(12 + nameBytes + Math.ceil(descBytes / 4) * 4);
  note.writeUInt32LE(name.length + 1, 0);
  note.writeUInt32LE(descBytes, 4);
  note.writeUInt32LE(type, 8);
  note.write(name, 12);
  return note;
}
