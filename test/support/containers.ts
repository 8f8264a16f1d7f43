// Compressed files as their own tools write them: some kept here, for machines without the tools, others made by them.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { has } from "./tools.js";

/** A dump of eight pieces of 1 KiB, and what compressed it to the fixtures: xz -9, lz4 -9, bzip2, lzop -9. */
export const SMALL = Buffer.concat(
  ["", "one", "", "two", "one", "three, three", "", "the end"].map((text) => Buffer.alloc(1024, text || "\0")),
);

export interface Container {
  /** Its tool, and what messages call it. */
  name: "xz" | "lz4" | "bzip2" | "lzop";
  extension: string;
  fixture: Buffer;
  /** Bytes at the front without which it is not this kind of file. */
  signature: number;
  /** Options that make other files of the same bytes. */
  variants: string[][];
  installed: boolean;
}

const container = (
  name: Container["name"],
  extension: string,
  signature: number,
  variants: string[][],
  base64: string,
): Container => ({
  name,
  extension,
  signature,
  variants,
  fixture: Buffer.from(base64, "base64"),
  installed: has(name),
});

export const CONTAINERS: readonly Container[] = [
  container(
    "xz",
    "xz",
    6,
    [["-0"], ["-9", "--check=crc32"], ["--check=none"], ["--block-size=100000"], ["-T2", "--block-size=300000"]],
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4B//AFBdAABv/f//o7d/mb4EkXvaJbAf1e3W3kFEMzK5X7uAHUPJtB3PhfJi7WHHCDSqigK3ywPHO2n7aycM" +
      "BG6Ekpt7Z1c4zqXHafjTBdlrTYz1+xMAAKZyp5GfVkmzAAFsgEAAAABT85GWscRn+wIAAAAABFla",
  ),
  container(
    "lz4",
    "lz4",
    4,
    [
      ["-1"],
      ["-9", "-B4", "-BD"],
      ["-B4", "-BX"],
      ["-B5", "-BD", "-BX"],
      ["--no-frame-crc"],
      ["--content-size", "-12"],
    ],
    "BCJNGGRAp1gAAAAfAAEA////7z9vbmUDAP///+0PAAj////wP3R3bwMA////7Q4BCw8DAP///95xdGhyZWUsIAcADwwA////5A8AEP////FvaGUgZW5k" +
      "BwD////kUGVuZHRoAAAAALY7cf4=",
  ),
  container(
    "bzip2",
    "bz2",
    10,
    [["-1"], ["-9"]],
    "QlpoOTFBWSZTWZbgL5YAAAfRgMAAQAQGQZSAAAgwALgIGgaBA0DQClKaT1PUZ5ZZG987lOkRuSZJOIj9tEaknSScRHaSTUk/qqMRHEkmSSc11JJ5JJyk" +
      "niI+dyTfJJkkmvskmF6LuSKcKEhLcBfLAA==",
  ),
  container(
    "lzop",
    "lzo",
    9,
    [["-1"], ["-9"], ["--crc32"], ["-F"], ["-7", "--crc32"]],
    "iUxaTwANChoKEEAgoAlAAwkDAAANAAAAAGsCfJEAAAAAACpnAvAAACAAAAAAVG6gIuwSACAAAADhAwBvbmUgAAAA3wgAIAAAAOL/H3R3byAAAADfCAAg" +
      "AAAA4vwvBHRocmVlLCCYACAAAADWLAAgAAAA4/w/A2hlIGVuZCAAAADbGAARAAAAAAAA",
  ),
];

/** What a tool makes of bytes. */
export function pack(name: string, bytes: Uint8Array, ...options: string[]): Buffer {
  return execFileSync(name, ["-q", "-c", ...options], { input: bytes, maxBuffer: 2 ** 30 });
}

/** A dump with much of everything: zeros, random bytes, text, and runs of many lengths. */
export function mixedDump(bytes: number): Buffer {
  const dump = Buffer.alloc(bytes);
  for (let at = 0, i = 0; at < bytes; i++) {
    const length = [4096, 1, 300, 70_000, 17, 5000][i % 6];
    const part = dump.subarray(at, at + length);
    if (i % 4 === 1) part.fill(noise(i));
    else if (i % 4 === 2) part.fill(`page ${i} of the dump, `);
    else if (i % 4 === 3) part.fill(i);
    at += length;
  }
  return dump;
}

/** 1 KiB that nothing compresses. */
function noise(seed: number): Buffer {
  return Buffer.concat(Array.from({ length: 32 }, (_, i) => createHash("sha256").update(`${seed} ${i}`).digest()));
}

/**
 * A zstd frame of unknown length that needs a window of 2^log bytes (RFC 8878, section 3.1.1), with a block of 128 KiB for each
 * letter. checksum: of what it holds, the four bytes behind the blocks.
 */
export function zstdOfWindow(log: number, letters: string, checksum?: Uint8Array): Buffer {
  const blocks = [...letters].flatMap((letter, i) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((0x20000 << 3) | (1 << 1) | (i === letters.length - 1 ? 1 : 0), 0, 3);
    return [header, Buffer.from(letter)];
  });
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, checksum ? 4 : 0, (log - 10) << 3]);
  return Buffer.concat([head, ...blocks, checksum ?? Buffer.alloc(0)]);
}
