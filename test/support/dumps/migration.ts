// Writes QEMU migration streams as its documentation has them, record by record.

import { deflateSync } from "node:zlib";

const number = (bytes: 1 | 2 | 4) => (value: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};
export const u8 = number(1);
const u16 = number(2);
export const u32 = number(4);

export function u64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}

/** A text with its length in a byte before it. */
export const name = (text: string) => Buffer.concat([u8(text.length), Buffer.from(text)]);

/** "QEVM", version 3, and the configuration section with further parts. */
export function head(machine: string | undefined, ...parts: Buffer[]): Buffer {
  const start = Buffer.concat([Buffer.from("QEVM"), u32(3)]);
  if (machine === undefined) return start;
  return Buffer.concat([start, u8(7), u32(machine.length), Buffer.from(machine), ...parts]);
}

const part = (partName: string, body: Buffer) =>
  Buffer.concat([u8(5), name(`configuration/${partName}`), u32(1), body]);
export const capabilities = (...names: string[]) =>
  part("capabilities", Buffer.concat([u32(names.length), ...names.map(name)]));
export const pageBits = (bits: number) => part("target-page-bits", u32(bits));
export const uuid = () => part("uuid", Buffer.alloc(16, 0xab));

/** A record: address, flags, then a block's name unless it is the same as the last one's, then the rest. */
export function record(address: number | bigint, flags: number, block?: string, ...rest: Buffer[]): Buffer {
  const word = u64(BigInt(address) | BigInt(block === undefined ? flags | 0x20 : flags));
  return Buffer.concat([word, block === undefined ? Buffer.alloc(0) : name(block), ...rest]);
}
export const page = (address: number, bytes: Uint8Array, block?: string) =>
  record(address, 0x08, block, Buffer.from(bytes));
export const filled = (address: number, fill: number, block?: string) => record(address, 0x02, block, u8(fill));
export function compressed(address: number, bytes: Uint8Array, block?: string): Buffer {
  const packed = deflateSync(bytes, { level: 1 });
  return record(address, 0x100, block, u32(packed.length), packed);
}
/** The record that lists the blocks; additions: what capabilities put behind a block's length. */
export function list(blocks: Record<string, number>, additions: Buffer = Buffer.alloc(0)): Buffer {
  const total = Object.values(blocks).reduce((sum, bytes) => sum + bytes, 0);
  const entries = Object.entries(blocks).flatMap(([block, bytes]) => [name(block), u64(bytes), additions]);
  return Buffer.concat([u64(BigInt(total) | 4n), ...entries]);
}
export const END_OF_RECORDS = u64(0x10);

export const RAM_ID = 2;
export const footer = (id: number) => Buffer.concat([u8(0x7e), u32(id)]);

/** A section: its first has a name (type 1, of a device 4), further ones have not (2, the last 3). */
export function section(type: 1 | 2 | 3 | 4, records: Buffer[], named = "ram", id = RAM_ID): Buffer {
  const start = type === 1 || type === 4 ? [name(named), u32(0), u32(4)] : [];
  return Buffer.concat([u8(type), u32(id), ...start, ...records, footer(id)]);
}
/** Sections of RAM: the first, middle ones, the last. */
export const ramSections = (...sections: Buffer[][]) =>
  Buffer.concat(
    sections.map((records, i) =>
      section(i === 0 ? 1 : i === sections.length - 1 ? 3 : 2, [...records, END_OF_RECORDS]),
    ),
  );

export const command = (number: number, bytes = Buffer.alloc(0)) =>
  Buffer.concat([u8(8), u16(number), u16(bytes.length), bytes]);

/** A device's section, the end of the stream, and the description of all devices in JSON. */
export function tail(description = '{"page_size": 4096, "devices": []}'): Buffer {
  const device = section(4, [Buffer.alloc(40, 0x11)], "timer", 3);
  return Buffer.concat([device, u8(0), u8(6), u32(description.length), Buffer.from(description)]);
}

/** A stream of one block of RAM, and of a device's block where one is listed. */
export function stream(machine: string, blocks: Record<string, number>, ...sections: Buffer[][]): Buffer {
  return Buffer.concat([head(machine), ramSections([list(blocks)], ...sections), tail()]);
}

/** A block whose pages have places of their own; undefined: a zero page, which has no bytes. */
export interface MappedBlock {
  block: string;
  pages: (Uint8Array | undefined)[];
  /** The block was not sent. */
  ignored?: boolean;
}

const PAGE = 4096;

/** A stream with the capability mapped-ram. before: bytes of the file before it; align: of the pages, 1 MiB in QEMU. */
export function mappedStream(
  machine: string,
  blocks: MappedBlock[],
  { before = 0, align = 4096, others = [] as Buffer[] } = {},
): Buffer {
  const total = blocks.reduce((sum, { pages }) => sum + pages.length * PAGE, 0);
  const start = Buffer.concat([u8(1), u32(RAM_ID), name("ram"), u32(0), u32(4)]);
  let bytes = Buffer.concat([head(machine, capabilities("mapped-ram")), start, u64(BigInt(total) | 4n)]);
  for (const { block, pages, ignored } of blocks) {
    bytes = Buffer.concat([bytes, name(block), u64(pages.length * PAGE)]);
    const bitmapAt = before + bytes.length + 28;
    const bitmap = bitmapOf(pages);
    const pagesAt = Math.ceil((bitmapAt + bitmap.length) / align) * align;
    const places = ignored ? [u64(0), u64(0)] : [u64(bitmapAt), u64(pagesAt)];
    bytes = Buffer.concat([bytes, u32(1), u64(PAGE), ...places]);
    if (ignored) continue;
    const gap = Buffer.alloc(pagesAt - bitmapAt - bitmap.length);
    // What lies at the place of a zero page means nothing.
    bytes = Buffer.concat([bytes, bitmap, gap, ...pages.map((each) => each ?? Buffer.alloc(PAGE, 0x55))]);
  }
  const end = Buffer.concat([END_OF_RECORDS, footer(RAM_ID)]);
  return Buffer.concat([bytes, end, ...others, section(3, [END_OF_RECORDS]), tail()]);
}

/** A bit for each page, the lowest first, in words of 64 bits. */
function bitmapOf(pages: readonly unknown[]): Buffer {
  const bitmap = Buffer.alloc(8 * Math.ceil(pages.length / 64));
  for (const [i, bytes] of pages.entries()) if (bytes !== undefined) bitmap[i >> 3] |= 1 << (i & 7);
  return bitmap;
}
