// The decoders of compressed dumps, and what they must do with what their tools write.

import { expect } from "vitest";
import { PagekinError } from "../../src/errors.js";
import { bunzip2 } from "../../src/unpack/bzip2.js";
import { unlz4 } from "../../src/unpack/lz4.js";
import { unlzop } from "../../src/unpack/lzop.js";
import { unxz } from "../../src/unpack/xz.js";
import { type Container, pack } from "./containers.js";
import { randomBytes } from "./random.js";

const DECODERS = { xz: unxz, lz4: unlz4, bzip2: bunzip2, lzop: unlzop };

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** All bytes, or the error that came instead. */
export async function decode(name: Container["name"], bytes: Buffer, chunk = 1 << 20): Promise<Buffer | PagekinError> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of DECODERS[name](chunksOf(bytes, chunk), "the file", () => {})) parts.push(part);
  } catch (error) {
    if (error instanceof PagekinError) return error;
    throw error;
  }
  return Buffer.concat(parts);
}

export const bytesOf = (decoded: Buffer | PagekinError): Buffer => {
  if (decoded instanceof PagekinError) throw decoded;
  return decoded;
};

/** Long runs, and so many bytes that do not compress, are unpacked to what they were. */
export async function expectUnpacked(name: Container["name"], bytes: number): Promise<void> {
  for (const part of [Buffer.alloc(4 * bytes), Buffer.alloc(3_000_001, 7), randomBytes(bytes, 3)]) {
    expect(bytesOf(await decode(name, pack(name, part))).equals(part)).toBe(true);
  }
}

/** Packed bytes that are damaged or cut at places all over them are refused. */
export async function expectDamageFound(name: Container["name"], bytes: Uint8Array, places: number): Promise<void> {
  const packed = pack(name, bytes);
  for (let i = 1; i < places; i++) {
    const at = Math.floor((packed.length * i) / places);
    const damaged = Buffer.from(packed);
    damaged[at] ^= 1 << (i % 8);
    expect(await decode(name, damaged), `byte ${at}`).toBeInstanceOf(PagekinError);
    expect((await decode(name, packed.subarray(0, at))) as PagekinError).toMatchObject({
      message: expect.stringContaining("ends early"),
    });
  }
}
