// The header of a range in LiME and AVML files, 32 bytes, little-endian: magic, version, first address, last address, zeros.

import type { DumpFile } from "../dump-file.js";
import type { Peek } from "../peek.js";

export const HEADER_BYTES = 32;

/** Magic and version by kind. */
const KINDS = {
  lime: { name: "LiME", magic: 0x4c694d45, version: 1 },
  avml: { name: "AVML", magic: 0x4c4d5641, version: 2 },
} as const;

export type HeaderKind = keyof typeof KINDS;

/** Bytes that show what stands there: magic and version. */
const SIGN_BYTES = 8;

export interface RangeHeader {
  kind: HeaderKind;
  address: number;
  bytes: number;
}

/** What kind of header a file's head begins with, of either byte order. */
export function kindAtHead(head: Buffer): HeaderKind | undefined {
  if (head.length < SIGN_BYTES) return undefined;
  return kindOf(head.readUInt32LE(0)) ?? (isBigEndian(head, 0) ? kindOf(head.readUInt32BE(0)) : undefined);
}

function kindOf(magic: number): HeaderKind | undefined {
  if (magic === KINDS.lime.magic) return "lime";
  return magic === KINDS.avml.magic ? "avml" : undefined;
}

function isBigEndian(bytes: Buffer, at: number): boolean {
  const kind = kindOf(bytes.readUInt32BE(at));
  return kind !== undefined && bytes.readUInt32BE(at + 4) === KINDS[kind].version;
}

/** Whether magic and version of a header stand at an offset. */
export function isHeaderAt(peek: Peek, offset: number): boolean {
  const at = peek.find(offset, SIGN_BYTES);
  if (at < 0) return false;
  const kind = kindOf(peek.bytes.readUInt32LE(at));
  return kind !== undefined && peek.bytes.readUInt32LE(at + 4) === KINDS[kind].version;
}

/** Reads a header; "cut" where the file ends before its end, "other" where something else stands. */
export function readHeader(file: DumpFile, peek: Peek, offset: number): RangeHeader | "cut" | "other" {
  const at = peek.find(offset, HEADER_BYTES);
  if (at < 0) return "cut";
  const kind = kindOf(peek.bytes.readUInt32LE(at));
  if (kind === undefined) {
    if (!isBigEndian(peek.bytes, at)) return "other";
    throw file.fault(
      offset,
      "this header is of a big-endian machine: pagekin does not read these",
      "convert it to raw",
    );
  }
  const { name, version } = KINDS[kind];
  const found = peek.bytes.readUInt32LE(at + 4);
  if (found !== version) throw file.fault(offset + 4, `a header of ${name} has version ${version}, this one ${found}`);
  if (peek.bytes.readBigUInt64LE(at + 24) !== 0n)
    throw file.fault(offset + 24, `the last 8 bytes of a header of ${name} are zero, these are not`);
  return { kind, ...addresses(file, offset, peek.bytes.readBigUInt64LE(at + 8), peek.bytes.readBigUInt64LE(at + 16)) };
}

/** The last address belongs to the range. */
function addresses(file: DumpFile, offset: number, first: bigint, last: bigint): { address: number; bytes: number } {
  if (last < first)
    throw file.fault(offset + 16, `the range ends at 0x${last.toString(16)}, before its start 0x${first.toString(16)}`);
  if (last >= BigInt(Number.MAX_SAFE_INTEGER))
    throw file.fault(offset + 16, `the address 0x${last.toString(16)} is beyond any machine's memory`);
  return { address: Number(first), bytes: Number(last - first) + 1 };
}
