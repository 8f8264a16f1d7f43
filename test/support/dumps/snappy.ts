// Writes raw and framed snappy, element by element, and decodes raw snappy byte by byte: the formats' descriptions in
// google/snappy, format_description.txt and framing_format.txt, as directly as they can be put.

const le = (value: number, bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256));

/** A number in groups of seven bits, the low ones first. */
export function varint(value: number): Buffer {
  return value < 128 ? le(value, 1) : Buffer.concat([le((value % 128) + 128, 1), varint(Math.floor(value / 128))]);
}

/** Bytes as they are; lengthBytes: how many bytes behind the tag have their length, 0 for up to 60. */
export function literal(bytes: Uint8Array, lengthBytes = bytes.length <= 60 ? 0 : bytes.length <= 256 ? 1 : 2): Buffer {
  const inTag = lengthBytes === 0 ? bytes.length - 1 : 59 + lengthBytes;
  return Buffer.concat([le(inTag * 4, 1), le(bytes.length - 1, lengthBytes), bytes]);
}

/** 4 to 11 bytes from at most 2047 before. */
export const nearCopy = (offset: number, length: number) =>
  Buffer.from([1 + (length - 4) * 4 + (offset >> 8) * 32, offset & 255]);

/** 1 to 64 bytes from before; the offset takes 2 bytes, or 4. */
export const copy = (offset: number, length: number, offsetBytes: 2 | 4 = 2) =>
  Buffer.concat([le((offsetBytes === 2 ? 2 : 3) + (length - 1) * 4, 1), le(offset, offsetBytes)]);

/** Raw snappy of elements that decode to so many bytes. */
export const rawSnappy = (length: number, ...elements: Uint8Array[]) => Buffer.concat([varint(length), ...elements]);

/** Raw snappy without copies. */
export function literalsOnly(bytes: Uint8Array): Buffer {
  return rawSnappy(bytes.length, ...(bytes.length > 0 ? [literal(bytes)] : []));
}

/** Raw snappy of which all is copied that was there before in four bytes or more. */
export function compressed(bytes: Buffer): Buffer {
  const elements: Buffer[] = [];
  const places = new Map<string, number>();
  let kept = 0;
  for (let at = 0; at < bytes.length; ) {
    const key = bytes.toString("latin1", at, at + 4);
    const from = key.length === 4 ? places.get(key) : undefined;
    places.set(key, at);
    let length = 0;
    if (from !== undefined)
      while (length < 64 && at + length < bytes.length && bytes[from + length] === bytes[at + length]) length++;
    if (from === undefined || length < 4 || at - from > 65535) {
      at++;
      continue;
    }
    if (kept < at) elements.push(literal(bytes.subarray(kept, at)));
    elements.push(length <= 11 && at - from < 2048 ? nearCopy(at - from, length) : copy(at - from, length));
    at += length;
    kept = at;
  }
  if (kept < bytes.length) elements.push(literal(bytes.subarray(kept)));
  return rawSnappy(bytes.length, ...elements);
}

/** What raw snappy decodes to; undefined if it is damaged. */
export function decoded(data: Buffer): Buffer | undefined {
  let at = 0;
  let length = 0;
  for (let unit = 1; ; unit *= 128) {
    if (at === data.length || at === 5) return undefined;
    length += (data[at] & 127) * unit;
    if (data[at++] < 128) break;
  }
  const out: number[] = [];
  while (at < data.length) {
    const tag = data[at++];
    const kind = tag & 3;
    const behind = kind === 0 ? Math.max(0, (tag >> 2) - 59) : [0, 1, 2, 4][kind];
    if (at + behind > data.length) return undefined;
    const number = behind === 0 ? 0 : data.readUIntLE(at, behind);
    at += behind;
    if (kind === 0) {
      const bytes = (behind === 0 ? tag >> 2 : number) + 1;
      if (at + bytes > data.length) return undefined;
      out.push(...data.subarray(at, at + bytes));
      at += bytes;
      continue;
    }
    const offset = kind === 1 ? (tag >> 5) * 256 + number : number;
    const bytes = kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1;
    if (offset === 0 || offset > out.length) return undefined;
    for (let i = 0; i < bytes; i++) out.push(out[out.length - offset]);
  }
  return out.length === length ? Buffer.from(out) : undefined;
}

/** CRC-32C bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Rotated right by 15 bits, and a constant added. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A chunk of framed snappy, whatever is in it. */
export const chunk = (type: number, body: Uint8Array) => Buffer.concat([le(type, 1), le(body.length, 3), body]);

export const IDENTIFIER = chunk(0xff, Buffer.from("sNaPpY"));

/** A chunk of data as raw snappy. crc: of the plain bytes, masked. */
export const snappyChunk = (plain: Buffer, coded = compressed(plain), crc = masked(crc32c(plain))) =>
  chunk(0x00, Buffer.concat([le(crc, 4), coded]));

/** A chunk of data as they are. */
export const plainChunk = (plain: Uint8Array, crc = masked(crc32c(plain))) =>
  chunk(0x01, Buffer.concat([le(crc, 4), plain]));
