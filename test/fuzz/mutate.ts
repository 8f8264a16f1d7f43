// Structure-aware mutation: numbers that lie, records that are gone, twice there or in another place, and cuts.

import { FORMAT_NAMES } from "../../src/dumps/formats/registry.js";
import { randomNumbers } from "../support/random.js";
import { type Field, varintAt } from "./places.js";
import type { Base } from "./subjects.js";

type Random = (end: number) => number;

const TWO_64 = 2n ** 64n;

/** What a number is set to. */
const LIES: readonly ((value: bigint, file: bigint, random: Random) => bigint)[] = [
  () => 0n,
  () => 1n,
  () => -1n,
  () => 2n ** 31n,
  () => 2n ** 31n - 1n,
  () => 2n ** 32n - 1n,
  () => 2n ** 32n,
  () => 2n ** 53n,
  () => 2n ** 53n - 4096n,
  () => 2n ** 46n,
  () => 2n ** 63n,
  () => 2n ** 63n - 1n,
  (value) => value + 1n,
  (value) => value - 1n,
  (value) => value * 2n,
  (value) => value ^ 1n,
  (value) => -value,
  (value) => value + 4096n,
  (value) => value - 4096n,
  (_, file) => file,
  (_, file) => file - 1n,
  (_, file) => file + 1n,
  (value, file) => file - value,
  (_, file, random) => BigInt(random(Number(file))),
  (_, __, random) => BigInt(random(256)),
  (_, __, random) => BigInt(random(2 ** 32)) << BigInt(random(33)),
];

/** What a text is set to. */
const TEXTS: readonly string[] = [
  ...["", "0", "-1", "1", "00", "1.5", "1e309", "1e-7", "0x10", "NaN", "Infinity", "2147483648", "4294967296"],
  ...[
    "9007199254740993",
    "18446744073709551616",
    "9".repeat(400),
    "true",
    "null",
    "~",
    ".",
    "/",
    "/dev/null",
    "../case",
  ],
  ...[
    "1ms",
    "1000000h",
    "1k",
    "8t",
    "100 passes",
    "rest",
    "__proto__",
    "constructor",
    "toString",
    "*",
    "all",
    "private",
  ],
  ...[
    "\0",
    "\x1b[31m",
    "\x9b",
    "\r",
    "\n",
    "\t",
    "\ufeff",
    "\u2028",
    "\u{1f600}",
    "\ud800",
    '"',
    '""',
    "'",
    ",",
    ",,,",
    "=1+1",
  ],
  ...[
    "a".repeat(300),
    "a".repeat(20_000),
    "é".repeat(5000),
    "[".repeat(2000),
    "{a: ".repeat(300),
    "- ".repeat(500),
    ",".repeat(3000),
  ],
  ...[
    "&a",
    "*a",
    "&a [*a]",
    "<<: *a",
    "!!binary x",
    "!!js x",
    "? ",
    "- ",
    "|",
    ">",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "#",
    ": ",
    "{}",
    "[]",
  ],
];

/** Another number, another word of such a file, or what no such file has. */
function textLie(word: string, bases: readonly Base[], random: Random): Buffer {
  const [, digits, rest] = /^(\d{1,15})(.*)$/s.exec(word) ?? [];
  if (digits !== undefined && random(2) === 0) {
    const value = BigInt(digits);
    return Buffer.from(`${LIES[random(LIES.length)](value, value + 1n, random)}${rest}`, "latin1");
  }
  if (random(2) === 0) return Buffer.from(TEXTS[random(TEXTS.length)]);
  const other = bases[random(bases.length)];
  const { at, bytes } = other.fields[random(other.fields.length)];
  return other.bytes.subarray(at, at + bytes);
}

function replaced(bytes: Buffer, { at, bytes: size, grows }: Field, by: Buffer): Buffer {
  // A text may be longer by blanks.
  const fitting = grows ? by : Buffer.concat([by, Buffer.alloc(size, " ")]).subarray(0, size);
  return Buffer.concat([bytes.subarray(0, at), fitting, bytes.subarray(at + size)]);
}

/** least: bytes that it has at least. */
function varintOf(value: bigint, least: number): Buffer {
  const bytes: number[] = [];
  let rest = value % TWO_64;
  do {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < least);
  bytes[bytes.length - 1] &= 127;
  return Buffer.from(bytes);
}

function withVarint(bytes: Buffer, field: Field, value: bigint): Buffer {
  const whole = ((value % TWO_64) + TWO_64) % TWO_64;
  const signed = BigInt.asIntN(64, value);
  const zigzag = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
  const coded = field.kind === "zigzag" ? zigzag : whole;
  if (field.grows) return replaced(bytes, field, varintOf(coded, 1));
  return replaced(bytes, field, varintOf(coded % 2n ** BigInt(7 * field.bytes), field.bytes));
}

function numberAt(bytes: Buffer, field: Field): bigint {
  const { at, bytes: size, bigEndian, kind } = field;
  if (kind === "varint") return varintAt(bytes, field);
  if (kind === "zigzag") {
    const coded = varintAt(bytes, field);
    return (coded >> 1n) ^ -(coded & 1n);
  }
  if (kind === "text") return BigInt(size);
  let value = 0n;
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[at + (bigEndian ? i : size - 1 - i)]);
  return value;
}

function withNumber(bytes: Buffer, field: Field, value: bigint): Buffer {
  const { at, bytes: size, bigEndian, kind } = field;
  if (kind) return withVarint(bytes, field, value);
  let rest = ((value % TWO_64) + TWO_64) % TWO_64;
  for (let i = 0; i < size; i++, rest >>= 8n) bytes[at + (bigEndian ? size - 1 - i : i)] = Number(rest & 0xffn);
  return bytes;
}

function lie(bytes: Buffer, { fields }: Base, bases: readonly Base[], random: Random): Buffer {
  const field = fields[random(fields.length)];
  if (!field || field.at + field.bytes > bytes.length) return bytes;
  if (field.kind === "text") {
    const word = bytes.toString("latin1", field.at, field.at + field.bytes);
    return replaced(bytes, field, textLie(word, bases, random));
  }
  // Another number of the same file is where records begin to overlap and to lead back.
  const other = fields[random(fields.length)];
  const value =
    random(6) === 0 && other.at + other.bytes <= bytes.length
      ? numberAt(bytes, other)
      : LIES[random(LIES.length)](numberAt(bytes, field), BigInt(bytes.length), random);
  return withNumber(bytes, field, value);
}

function flip(bytes: Buffer, { fields }: Base, random: Random): Buffer {
  for (let times = 1 + random(6); times > 0; times--) {
    const field = fields[random(fields.length)];
    const at = random(2) === 0 ? field.at + random(field.bytes) : random(bytes.length);
    if (at < bytes.length) bytes[at] ^= 1 << random(8);
  }
  return bytes;
}

/** A record is gone, twice there, or in the place of another one. */
function move(bytes: Buffer, { records }: Base, random: Random): Buffer {
  const [from, to] = records[random(records.length)];
  const [otherFrom, otherTo] = records[random(records.length)];
  const record = bytes.subarray(from, to);
  const other = bytes.subarray(otherFrom, otherTo);
  switch (random(5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, otherFrom), record, bytes.subarray(otherFrom)]);
    case 3: {
      const copied = Buffer.from(bytes);
      record.copy(copied, Math.min(otherFrom, copied.length));
      return copied;
    }
    default: {
      if (from >= otherFrom || to > otherFrom) return bytes;
      const parts = [bytes.subarray(0, from), other, bytes.subarray(to, otherFrom), record, bytes.subarray(otherTo)];
      return Buffer.concat(parts);
    }
  }
}

/** The head of one file with the tail of another, or bytes of any length out, in, or twice. */
function splice(bytes: Buffer, bases: readonly Base[], random: Random): Buffer {
  const at = random(bytes.length + 1);
  const length = random(random(2) === 0 ? 16 : 2000);
  switch (random(4)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, random(3) * 0x7f), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - length))]);
    default: {
      const other = bases[random(bases.length)].bytes;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random(2) === 0 ? at : random(other.length))]);
    }
  }
}

function cut(bytes: Buffer, { fields, records }: Base, random: Random): Buffer {
  const kind = random(3);
  const near = kind === 0 ? fields[random(fields.length)].at : kind === 1 ? records[random(records.length)][1] : -1;
  const at = near < 0 ? random(bytes.length) : near - 4 + random(9);
  return bytes.subarray(0, Math.max(1, Math.min(bytes.length, at)));
}

export interface Case {
  base: Base;
  bytes: Buffer;
  resident: Buffer | undefined;
  /** Nothing was done but that the file was cut. */
  onlyCut: boolean;
  allowTruncated: boolean;
  ranges: "ram" | "all";
  /** What --format says, be it right or wrong. */
  format: string | undefined;
}

/** Such a case of a subject; the same numbers give the same case. */
export function caseOf(bases: readonly Base[], seed: number, number: number): Case {
  const random = randomNumbers(Math.imul(seed, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35));
  random(2);
  const base = bases[number % bases.length];
  const onlyCut = random(8) === 0;
  let bytes: Buffer = Buffer.from(base.bytes);
  let resident: Buffer | undefined = base.resident && Buffer.from(base.resident);
  if (onlyCut) bytes = cut(bytes, base, random);
  else {
    for (let times = [1, 1, 1, 2, 2, 3, 5][random(7)]; times > 0; times--) {
      if (bytes.length === 0) break;
      const kind = random(10);
      if (kind < 5) bytes = lie(bytes, base, bases, random);
      else if (kind < 6) bytes = flip(bytes, base, random);
      else if (kind < 8) bytes = move(bytes, base, random);
      else if (kind < 9) bytes = splice(bytes, bases, random);
      else if (random(2) === 0) bytes = cut(bytes, base, random);
    }
    if (base.repair && random(3) > 0) base.repair(bytes);
    if (resident && random(2) === 0) resident = splice(resident, [{ ...base, bytes: resident }], random);
  }
  const allowTruncated = random(2) === 0;
  const ranges = random(4) === 0 ? "all" : "ram";
  const format = !onlyCut && random(20) === 0 ? FORMAT_NAMES[random(FORMAT_NAMES.length)] : undefined;
  return { base, bytes, resident, onlyCut, allowTruncated, ranges, format };
}

/** A file cut to a length; with and without --allow-truncated by turns of `number`. */
export function cutCase(base: Base, length: number, allowTruncated: boolean): Case {
  const bytes = base.bytes.subarray(0, length);
  return { base, bytes, resident: base.resident, onlyCut: true, allowTruncated, ranges: "ram", format: undefined };
}
