// Dumps planned as lists of numbered pieces of 1 KiB: equal numbers are equal bytes and different numbers different bytes,
// so what pages share can be counted from the numbers. Piece 0 is zero.

import { randomBytes } from "./random.js";

export const PIECE = 1024;

/** Bytes at which a piece is not zero where all others are: ends, and borders of vectors, stripes and halves. */
const EDGES = [0, 1, 7, 8, 15, 16, 63, 64, 255, 256, 511, 512, 767, 768, 959, 960, 1008, 1022, 1023];
/** The first pieces are zero but for one byte, the next are like piece NEAR but for one byte. */
const NEAR = EDGES.length + 1;
/** Pieces below this number differ from another one in a single byte. */
export const TINY = 2 * NEAR;

const known = new Map<number, Buffer>();

/** The bytes of a piece. */
function piece(number: number): Buffer {
  const made = known.get(number) ?? makePiece(number);
  known.set(number, made);
  return made;
}

function makePiece(number: number): Buffer {
  if (number === 0) return Buffer.alloc(PIECE);
  if (number < NEAR) return withByte(Buffer.alloc(PIECE), EDGES[number - 1]);
  if (number === NEAR || number >= TINY) return randomBytes(PIECE, number);
  return withByte(randomBytes(PIECE, NEAR), EDGES[number - NEAR - 1]);
}

function withByte(bytes: Buffer, at: number): Buffer {
  bytes[at] ^= 1;
  return bytes;
}

/** A dump of such pieces, with bytes behind them that make no whole piece. */
export function dumpOf(pieces: readonly number[], tailBytes = 0): Buffer {
  return Buffer.concat([...pieces.map(piece), Buffer.alloc(tailBytes, 0x7a)]);
}
