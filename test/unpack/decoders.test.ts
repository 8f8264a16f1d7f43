// The decoders by themselves: whole, cut at every byte, damaged at every byte, in chunks of any size.

import { createXXHash32 } from "hash-wasm";
import { describe, expect, test } from "vitest";
import { PagekinError } from "../../src/errors.js";
import { Xxh32 } from "../../src/unpack/xxh32.js";
import { STRIDE } from "../support/cases.js";
import { CONTAINERS, mixedDump, pack, SMALL } from "../support/containers.js";
import { bytesOf, decode, expectDamageFound, expectUnpacked } from "../support/decode.js";
import { randomBytes } from "../support/random.js";
import { because } from "../support/tools.js";

describe.each(CONTAINERS)("$name", ({ name, fixture, variants, installed }) => {
  const twice = Buffer.concat([fixture, fixture]);
  const small2 = Buffer.concat([SMALL, SMALL]);

  test.for([1, 2, 3, 7, 100, 1000])("in chunks of %i bytes", async (chunk) => {
    expect(bytesOf(await decode(name, twice, chunk)).equals(small2)).toBe(true);
  });

  test("cut anywhere ends early", async () => {
    for (let length = 1; length < twice.length; length += STRIDE) {
      if (length === fixture.length) continue;
      const decoded = await decode(name, twice.subarray(0, length), 64);
      expect(decoded, `${length} bytes`).toBeInstanceOf(PagekinError);
      const { line } = decoded as PagekinError;
      expect(line).toMatch(/^the file: at 0x[0-9a-f]+: the \w+ stream ends early; copy or compress the file again$/);
      expect((decoded as PagekinError).place.offset).toBeLessThanOrEqual(length);
    }
  });

  test("damaged anywhere is refused or the same", async () => {
    let refused = 0;
    for (let at = 0; at < fixture.length + 20; at += STRIDE) {
      for (const change of [0xff, 1 << (at % 8)]) {
        const damaged = Buffer.from(twice);
        damaged[at] ^= change;
        const decoded = await decode(name, damaged);
        if (decoded instanceof PagekinError) refused++;
        else expect(decoded.equals(small2), `byte ${at}, ${change}`).toBe(true);
      }
    }
    expect(refused).toBeGreaterThan((fixture.length * 1.9) / STRIDE);
  });

  test("followed by something else is refused", async () => {
    for (const more of ["and more", "\0and more", "BZ", "\xfd7"]) {
      const decoded = await decode(name, Buffer.concat([fixture, Buffer.from(more, "latin1")]));
      expect(decoded, more).toBeInstanceOf(PagekinError);
    }
  });

  describe.skipIf(!installed)(`made by its tool${because(installed, `${name} is not installed`)}`, () => {
    const dump = mixedDump(3 << 20);

    test.for(variants)("with %j", async (options) => {
      const packed = pack(name, dump, ...options);
      const all = Buffer.concat([packed, pack(name, SMALL), packed]);
      const expected = Buffer.concat([dump, SMALL, dump]);
      expect(bytesOf(await decode(name, all, 100_000)).equals(expected)).toBe(true);
    });

    test.for([0, 1, 12, 13, 65_535, 65_536, 65_537, 900_000])("of %i bytes", async (length) => {
      const part = dump.subarray(500, 500 + length);
      expect(bytesOf(await decode(name, pack(name, part))).equals(part)).toBe(true);
    });

    test("of long runs and of what does not compress", () => expectUnpacked(name, 2 << 20));

    // Larger ones, and more places: decoders.full.test.ts.
    test("damaged or cut at some places", () => expectDamageFound(name, dump.subarray(0, 300_000), 20));
  });
});

describe("lz4", () => {
  const { fixture } = CONTAINERS[1];
  const skippable = Buffer.from("\x5a\x2a\x4d\x18\x05\0\0\0hello", "latin1");

  test("skips frames that are to be skipped", async () => {
    const all = Buffer.concat([skippable, fixture, skippable]);
    expect(bytesOf(await decode("lz4", all, 3)).equals(SMALL)).toBe(true);
    expect(await decode("lz4", all.subarray(0, all.length - 1))).toBeInstanceOf(PagekinError);
  });

  test("refuses the old form", async () => {
    const old = Buffer.from("\x02\x21\x4c\x18\x01\0\0\0\0", "latin1");
    expect(await decode("lz4", old)).toMatchObject({ message: expect.stringContaining("old form") });
  });

  test("its checksum is that of hash-wasm, in pieces of any size", async () => {
    const hasher = await createXXHash32();
    const bytes = randomBytes(4096, 9);
    for (let length = 0; length < 300; length++) {
      const [hash, cut] = [new Xxh32(), (length * 7) % (length + 1)];
      hash.update(bytes.subarray(0, cut)).update(bytes.subarray(cut, length));
      const expected = Number.parseInt(hasher.init().update(bytes.subarray(0, length)).digest(), 16);
      expect(hash.digest()).toBe(expected);
    }
  });
});

describe("xz", () => {
  const { fixture, installed } = CONTAINERS[0];

  test("takes padding of four zero bytes and refuses others", async () => {
    const padded = (bytes: number) => Buffer.concat([fixture, Buffer.alloc(bytes), fixture]);
    for (const bytes of [4, 8]) {
      expect(bytesOf(await decode("xz", padded(bytes))).length).toBe(2 * SMALL.length);
    }
    for (const bytes of [1, 2, 3, 5]) expect(await decode("xz", padded(bytes))).toBeInstanceOf(PagekinError);
  });

  test.skipIf(!installed)(`says what it does not know${because(installed, "xz is not installed")}`, async () => {
    const says = async (...options: string[]) => (await decode("xz", pack("xz", SMALL, ...options))) as PagekinError;
    expect((await says("--lzma2=dict=128MiB")).line).toMatch(/dictionary of more than 64 MiB/);
    expect((await says("--check=sha256")).line).toMatch(/a filter or a checksum/);
    expect((await says("--x86", "--lzma2")).line).toMatch(/a filter or a checksum/);
  });
});
