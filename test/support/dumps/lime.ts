// Writes LiME version 1: each range behind a header of 32 bytes.

export interface Header {
  first: bigint;
  /** The last address, which belongs to the range. */
  last: bigint;
  magic?: string;
  version?: number;
  reserved?: bigint;
  /** Numbers as a big-endian machine writes them; the magic is a number too. */
  bigEndian?: boolean;
}

const LIME_MAGIC = "EMiL";

/** A range's header, whatever it says. */
export function header({ first, last, magic = LIME_MAGIC, version = 1, reserved = 0n, bigEndian }: Header): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.write(magic, "latin1");
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(first, 8);
  bytes.writeBigUInt64LE(last, 16);
  bytes.writeBigUInt64LE(reserved, 24);
  if (bigEndian) {
    bytes.subarray(0, 8).swap32();
    bytes.subarray(8).swap64();
  }
  return bytes;
}

/** A range: its header, then its bytes as they are. */
export function limeRange(address: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([header({ first: BigInt(address), last: BigInt(address + bytes.length - 1) }), bytes]);
}

/** A file of ranges. */
export function limeFile(...ranges: [address: number, bytes: Uint8Array][]): Buffer {
  return Buffer.concat(ranges.map(([address, bytes]) => limeRange(address, bytes)));
}
