// Stretches of a dump: which addresses, where in the file, how to decode. Typed arrays in shared memory, since there may be
// one for each page, and every thread reads them.

/** How the bytes of an extent lie in the file. Coded ones are decoded whole. */
export const CODE = {
  /** As they are. */
  stored: 0,
  /** Zeros that have no bytes. */
  zero: 1,
  zlib: 2,
  /** LZO1X without a header. */
  lzo: 3,
  /** Raw snappy. */
  snappy: 4,
  /** One zstd frame. */
  zstd: 5,
  /** A chunk of framed snappy: the masked CRC-32C of the decoded bytes (u32, little-endian), then raw snappy. */
  snappyChunk: 6,
  /** The same with the plain bytes. */
  storedChunk: 7,
} as const;

export type Code = (typeof CODE)[keyof typeof CODE];

/** Most bytes that a coded extent may decode to. */
export const MOST_CODED_BYTES = 64 * 1024;

/** Extents by number: address, bytes, where they begin in the file and how many bytes they have there, code. */
export interface ExtentArrays {
  addresses: Float64Array;
  lengths: Float64Array;
  offsets: Float64Array;
  sizes: Float64Array;
  codes: Uint8Array;
}

/** Many dumps are one extent. */
const FIRST_ROOM = 1;

/** Extents in the order in which they were added. Addresses, offsets and their sums are below 2^53. */
export class ExtentList {
  private addresses = doubles(FIRST_ROOM);
  private lengths = doubles(FIRST_ROOM);
  private offsets = doubles(FIRST_ROOM);
  private sizes = doubles(FIRST_ROOM);
  private codes = bytes(FIRST_ROOM);
  private used = 0;
  /** Bytes of all of them; addresses that several have count for each. */
  totalBytes = 0;

  get count(): number {
    return this.used;
  }

  add(address: number, length: number, code: Code, offset: number, size: number): void {
    if (length <= 0) return;
    if (this.used === this.codes.length) this.grow();
    this.totalBytes += length;
    this.addresses[this.used] = address;
    this.lengths[this.used] = length;
    this.codes[this.used] = code;
    this.offsets[this.used] = offset;
    this.sizes[this.used++] = size;
  }

  /** Bytes as they are in the file. */
  addStored(address: number, length: number, offset: number): void {
    this.add(address, length, CODE.stored, offset, length);
  }

  /** Zeros without bytes in the file. */
  addZero(address: number, length: number): void {
    this.add(address, length, CODE.zero, 0, 0);
  }

  address(i: number): number {
    return this.addresses[i];
  }

  bytes(i: number): number {
    return this.lengths[i];
  }

  end(i: number): number {
    return this.addresses[i] + this.lengths[i];
  }

  /** Views of them all, for threads. */
  arrays(): ExtentArrays {
    const { used } = this;
    return {
      addresses: firstOf(this.addresses, used),
      lengths: firstOf(this.lengths, used),
      offsets: firstOf(this.offsets, used),
      sizes: firstOf(this.sizes, used),
      codes: firstOf(this.codes, used),
    };
  }

  private grow(): void {
    const room = this.used * 2;
    this.addresses = copied(this.addresses, doubles(room));
    this.lengths = copied(this.lengths, doubles(room));
    this.offsets = copied(this.offsets, doubles(room));
    this.sizes = copied(this.sizes, doubles(room));
    this.codes = copied(this.codes, bytes(room));
  }
}

/** Fewer are copied to threads sooner than shared. */
const FEW = 4096;

export const doubles = (count: number) =>
  count < FEW ? new Float64Array(count) : new Float64Array(new SharedArrayBuffer(8 * count));
export const words = (count: number) =>
  count < FEW ? new Uint32Array(count) : new Uint32Array(new SharedArrayBuffer(4 * count));
const bytes = (count: number) => (count < FEW ? new Uint8Array(count) : new Uint8Array(new SharedArrayBuffer(count)));

/** A view of an array's first elements; the array itself if that is all of it. */
export function firstOf<T extends Float64Array | Uint32Array | Uint8Array>(array: T, count: number): T {
  return count === array.length ? array : (array.subarray(0, count) as T);
}

function copied<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
