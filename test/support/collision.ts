// Two different KiB with one XXH3-128 digest, in any page of 1 KiB or more.
//
// A stripe adds to each lane lo32(data ^ key) * hi32(data ^ key), and to its neighbour the data. Where the low half of the
// data is that of the key, the product is 0 whatever the high half is, and only the sum of the data counts: what one
// stripe gains in its high half, another stripe of the same block may lose.

import { randomBytes } from "./random.js";
import { SECRET } from "./xxh3.js";

const LANE = 3;
/** Not the last one of the KiB, which has another key where a page ends with it. */
const STRIPES = [2, 9];
const DIFFERENCE = 0x5eed;

/** The two KiB. */
export function collidingKibs(): [Buffer, Buffer] {
  const first = randomBytes(1024, 4711);
  for (const stripe of STRIPES) {
    const at = 64 * stripe + 8 * LANE;
    first.writeUInt32LE(SECRET.readUInt32LE(8 * stripe + 8 * LANE), at);
    first.writeUInt32LE(0x40000000 + stripe, at + 4);
  }
  const second = Buffer.from(first);
  const [gains, loses] = STRIPES.map((stripe) => 64 * stripe + 8 * LANE + 4);
  second.writeUInt32LE(first.readUInt32LE(gains) + DIFFERENCE, gains);
  second.writeUInt32LE(first.readUInt32LE(loses) - DIFFERENCE, loses);
  return [first, second];
}
