import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { unlzo } from "../../src/unpack/lzo.js";
import { randomBytes, randomNumbers } from "../support/random.js";
import { because } from "../support/tools.js";

const END = [17, 0, 0];

/** Bytes of a stream, and what they decode to: each instruction is written as lzo.rst of Linux describes it. */
class Writer {
  readonly data: number[] = [];
  readonly plain: number[] = [];

  /** The first byte tells how many literals follow it. */
  first(literals: readonly number[]): this {
    this.data.push(17 + literals.length);
    return this.literals(literals);
  }

  /** A run of 4 literals or more, where none went before. */
  run(literals: readonly number[]): this {
    const count = literals.length - 3;
    this.data.push(...(count <= 15 ? [count] : [0, ...more(count - 15)]));
    return this.literals(literals);
  }

  /** 2 bytes, after 1 to 3 literals. Distance 1 to 1024. */
  two(distance: number, literals: readonly number[] = []): this {
    this.data.push((((distance - 1) & 3) << 2) | literals.length, (distance - 1) >> 2);
    return this.copy(distance, 2, literals);
  }

  /** 3 bytes, after a run. Distance 2049 to 3072. */
  three(distance: number, literals: readonly number[] = []): this {
    this.data.push((((distance - 2049) & 3) << 2) | literals.length, (distance - 2049) >> 2);
    return this.copy(distance, 3, literals);
  }

  /** 3 to 8 bytes. Distance 1 to 2048. */
  short(distance: number, length: number, literals: readonly number[] = []): this {
    const [low, high] = [(distance - 1) & 7, (distance - 1) >> 3];
    this.data.push(((length - 1) << 5) | (low << 2) | literals.length, high);
    return this.copy(distance, length, literals);
  }

  /** 3 bytes or more. Distance 1 to 16384. */
  middle(distance: number, length: number, literals: readonly number[] = []): this {
    const count = length - 2;
    this.data.push(...(count <= 31 ? [32 | count] : [32, ...more(count - 31)]));
    this.data.push((((distance - 1) << 2) & 0xff) | literals.length, (distance - 1) >> 6);
    return this.copy(distance, length, literals);
  }

  /** 3 bytes or more. Distance 16385 to 49151. */
  far(distance: number, length: number, literals: readonly number[] = []): this {
    const count = length - 2;
    const rest = distance - 16384;
    const high = 16 | ((rest >> 14) << 3);
    this.data.push(...(count <= 7 ? [high | count] : [high, ...more(count - 7)]));
    this.data.push(((rest << 2) & 0xff) | literals.length, (rest >> 6) & 0xff);
    return this.copy(distance, length, literals);
  }

  end(): { data: Uint8Array; plain: Uint8Array } {
    return { data: Uint8Array.from([...this.data, ...END]), plain: Uint8Array.from(this.plain) };
  }

  private copy(distance: number, length: number, literals: readonly number[]): this {
    for (let i = 0; i < length; i++) this.plain.push(this.plain[this.plain.length - distance]);
    return this.literals(literals);
  }

  private literals(literals: readonly number[]): this {
    this.data.push(...literals);
    this.plain.push(...literals);
    return this;
  }
}

/** What a length is above the low bits: 255 for each zero byte, and the first other byte. */
function more(count: number): number[] {
  const zeros = Math.ceil(count / 255) - 1;
  return [...new Array(zeros).fill(0), count - 255 * zeros];
}

const RANDOM = [...randomBytes(200_000, 1)];

/** Random bytes, others for each seed. */
const some = (count: number, seed = count): number[] => {
  const from = (seed * 7919) % 100_000;
  return RANDOM.slice(from, from + count);
};

/** A valid stream of instructions of all kinds, at random. */
function randomStream(seed: number): Writer {
  const random = randomNumbers(seed);
  const writer = new Writer().first(some(1 + random(238), seed));
  let before = Math.min(4, writer.plain.length);
  for (let n = 5 + random(40); n > 0; n--) {
    const there = writer.plain.length;
    const literals = some(random(4), random(1000));
    const length = random(5) === 0 ? 3 + random(2000) : 3 + random(40);
    const kind = random(6);
    if (before === 0 && kind < 3) {
      writer.run(some(4 + random(kind === 0 && n % 3 === 0 ? 20_000 : 30), seed + n));
      before = 4;
      continue;
    }
    if (before > 0 && before < 4 && kind === 3) writer.two(1 + random(Math.min(there, 1024)), literals);
    else if (before === 4 && kind === 3 && there >= 3072) writer.three(2049 + random(1024), literals);
    else if (kind === 4 && there >= 49_151) writer.far(16_385 + random(32_767), length, literals);
    else if (kind === 5) writer.short(1 + random(Math.min(there, 2048)), 3 + random(6), literals);
    else writer.middle(1 + random(Math.min(there, 16_384)), length, literals);
    before = literals.length;
  }
  return writer;
}

const GUARD = Buffer.alloc(64, 0xa5);

/** Decodes between other bytes, which must stay as they are, and with other bytes behind the data, which must not matter. */
function decoded(data: Uint8Array, bytes: number): Buffer | undefined {
  const [first, second] = [0x00, 0x11].map((around) => {
    const input = Buffer.concat([Buffer.alloc(64, around), data, Buffer.alloc(300, around)]);
    const output = Buffer.concat([GUARD, Buffer.alloc(bytes), GUARD]);
    const isDecoded = unlzo(input.subarray(64, 64 + data.length), output.subarray(64, 64 + bytes));
    expect(GUARD.equals(output.subarray(0, 64)) && GUARD.equals(output.subarray(64 + bytes))).toBe(true);
    return isDecoded ? output.subarray(64, 64 + bytes) : undefined;
  });
  expect(first === undefined || second === undefined ? first === second : first.equals(second)).toBe(true);
  return first;
}

function check(writer: Writer): void {
  const { data, plain } = writer.end();
  expect(decoded(data, plain.length)?.equals(plain)).toBe(true);
}

describe("unlzo decodes", () => {
  test("literals of all lengths", () => {
    for (let count = 1; count <= 238; count++) check(new Writer().first(some(count)));
    for (const count of [4, 5, 17, 18, 19, 47, 48, 272, 273, 274, 275, 528, 5000]) check(new Writer().run(some(count)));
  });

  test("copies of two bytes after one to three literals", () => {
    for (const literals of [1, 2, 3]) {
      for (const distance of [1, 2, 3, 4, 5, 1023, 1024])
        check(new Writer().run(some(1024)).short(9, 4, some(literals)).two(distance, some(3)).two(1));
    }
  });

  test("copies of three bytes after a run", () => {
    for (const distance of [2049, 2050, 2053, 3071, 3072]) check(new Writer().run(some(3072)).three(distance, some(1)));
  });

  test("short, middle and far copies of all lengths and borders of distances", () => {
    for (let length = 3; length <= 8; length++)
      for (const distance of [1, 2, 8, 9, 2047, 2048])
        check(new Writer().run(some(2048)).short(distance, length, some(2)));
    for (const length of [3, 4, 32, 33, 34, 47, 48, 288, 289, 5000])
      for (const distance of [1, 2, 3, 5, 47, 64, 65, 16_383, 16_384])
        check(new Writer().run(some(16_384)).middle(distance, length, some(3)));
    for (const length of [3, 8, 9, 10, 264, 265, 1000])
      for (const distance of [16_385, 16_386, 32_767, 32_768, 32_769, 49_151])
        check(new Writer().run(some(49_152)).far(distance, length));
  });

  test("streams of all instructions at random", () => {
    for (let seed = 1; seed <= 200; seed++) check(randomStream(seed));
  });
});

describe("unlzo refuses", () => {
  const { data, plain } = new Writer()
    .first(some(7))
    .short(5, 4, some(2))
    .two(3)
    .run(some(40))
    .middle(9, 300, [1])
    .end();

  test("a stream cut anywhere, and one with a byte too many", () => {
    expect(decoded(data, plain.length)?.equals(plain)).toBe(true);
    for (let end = 0; end < data.length; end++) expect(decoded(data.subarray(0, end), plain.length)).toBeUndefined();
    expect(decoded(Uint8Array.from([...data, 0]), plain.length)).toBeUndefined();
  });

  test("a target that is not exactly filled", () => {
    for (let bytes = 0; bytes < plain.length + 50; bytes++) {
      if (bytes !== plain.length) expect(decoded(data, bytes)).toBeUndefined();
    }
  });

  test("copies from before the beginning", () => {
    expect(decoded(new Writer().first([1, 2, 3]).two(4).end().data, 5)).toBeUndefined();
    expect(decoded(new Writer().first(some(9)).short(10, 4).end().data, 13)).toBeUndefined();
    expect(decoded(new Writer().first(some(9)).middle(10, 4).end().data, 13)).toBeUndefined();
    expect(decoded(new Writer().first(some(9)).far(16_385, 4).end().data, 13)).toBeUndefined();
    expect(decoded(new Writer().run(some(2048)).three(2049).end().data, 2051)).toBeUndefined();
  });

  test("bytes at random, and streams with wrong bytes, without a step out of bounds", () => {
    const streams = Array.from({ length: 40 }, (_, i) => randomStream(i + 1).end());
    for (let seed = 1; seed <= 2000; seed++) {
      const random = randomNumbers(seed);
      decoded(Uint8Array.from(some(1 + random(200), seed)), random(5000));
      const { data, plain } = streams[seed % streams.length];
      const damaged = Uint8Array.from(data);
      for (let n = 1 + random(3); n > 0; n--) damaged[random(data.length)] ^= 1 + random(255);
      decoded(damaged, plain.length);
    }
  });

  test("lengths without an end", () => {
    expect(decoded(new Uint8Array(100_000), 4096)).toBeUndefined();
    expect(decoded(Uint8Array.from([18, 1, 32, ...new Uint8Array(100_000), 1, 0, 0, ...END]), 4096)).toBeUndefined();
  });
});

const PYTHON = `
import lzo, sys
data = sys.stdin.buffer.read()
for level in (1, 9):
  for size in (4096, 65536):
    for at in range(0, len(data), size):
      packed = lzo.compress(data[at:at + size], level, False)
      sys.stdout.buffer.write(len(packed).to_bytes(4, "little") + packed)
`;
const HAS_LZO = spawnSync("python3", ["-c", "import lzo"]).status === 0;

test.skipIf(!HAS_LZO)(`unlzo decodes what liblzo2 packs${because(HAS_LZO, "python3 has no lzo")}`, () => {
  const texts = [1, 2, 3, 4].map((seed) => Buffer.from(randomStream(seed).plain));
  const mixed = Buffer.concat([...texts, ...texts, Buffer.alloc(65_536), randomBytes(65_536, 1), ...texts]);
  const plain = mixed.subarray(0, Math.floor(mixed.length / 65_536) * 65_536);
  const { stdout } = spawnSync("python3", ["-c", PYTHON], { input: plain, maxBuffer: 2 ** 28 });
  let at = 0;
  for (const size of [4096, 65_536, 4096, 65_536]) {
    for (let from = 0; from < plain.length; from += size) {
      const end = at + 4 + stdout.readUInt32LE(at);
      expect(decoded(stdout.subarray(at + 4, end), size)?.equals(plain.subarray(from, from + size))).toBe(true);
      at = end;
    }
  }
  expect(at).toBe(stdout.length);
});
