// Small worlds for property tests: members that share inside themselves and with one another at some page sizes only.

import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { dumpOf, TINY } from "./pieces.js";
import type { Member, TwinWorld } from "./twin.js";

const PIECES_OF_16K = 16;
const number = fc.oneof(fc.constant(0), fc.nat(TINY + 5));

/** Whole pages of 16 KiB of one of few contents: the only ones that large pages can have in common. */
const largePages = fc
  .array(fc.nat(3), { maxLength: 4 })
  .map((contents) =>
    contents.flatMap((content) =>
      Array.from({ length: PIECES_OF_16K }, (_, i) => (content === 0 ? 0 : TINY + content + (i >> 2))),
    ),
  );

/** A few pieces several times, wherever they come to lie. */
const repeats = fc
  .tuple(fc.array(number, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 5 }))
  .map(([pieces, times]) => Array.from({ length: times }, () => pieces).flat());

const dump = fc
  .tuple(largePages, fc.array(repeats, { minLength: 1, maxLength: 4 }), largePages, fc.nat(1023))
  .map(([first, parts, last, tailBytes]) => dumpOf([...first, ...parts.flat(), ...last], tailBytes));

/** The dumps of a world's members, by name. */
export const members: fc.Arbitrary<Member[]> = fc
  .array(dump, { minLength: 1, maxLength: 6 })
  .map((dumps) => dumps.map((bytes, i) => ({ name: `vm${i + 1}`, dump: bytes })));

/** One to three worlds, in the order of their times. */
export const worlds: fc.Arbitrary<TwinWorld[]> = fc
  .uniqueArray(fc.constantFrom(0, 0.005, 1.5, 15, 100), { minLength: 1, maxLength: 3 })
  .chain((times) =>
    fc.tuple(...times.sort((a, b) => a - b).map((timeS) => members.map((all) => ({ timeS, members: all })))),
  );

/** Writes the dumps into a folder; gives the sources as the command line names them. */
export function writeDumps(folder: string, all: readonly Member[], timeS = 0): string[] {
  return all.map(({ name, dump: bytes }, i) => {
    const file = path.join(folder, `dump-${timeS}-${i}`);
    writeFileSync(file, bytes);
    return `${name}@${timeS}=${file}`;
  });
}
