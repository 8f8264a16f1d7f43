// Contents that a member holds, that two members both hold, and copies of contents, from copy vectors.

/** Counts are u64, for member a those with each later member, one row after the other. */
let counts: usize = 0;
let countsEnd: usize = 0;
let members: u32 = 0;
let own: usize = 0;

/** Sets all counts of `memberCount` members to 0: f64 of each at ownAt, of pairs at countsAt. */
export function resetPairs(ownAt: usize, countsAt: usize, memberCount: u32): void {
  members = memberCount;
  own = ownAt;
  memory.fill(own, 0, (memberCount as usize) << 3);
  counts = countsAt;
  countsEnd = rowOf(memberCount);
  memory.fill(counts, 0, countsEnd - counts);
}

/** Where the row of a member begins. */
// @ts-ignore: decorator
@inline
function rowOf(a: u32): usize {
  return counts + ((((a as u64) * ((2 * members - a - 1) as u64)) >> 1) << 3) as usize;
}

/**
 * Counts copy vectors: of each u32 holders and f64 contents, and of all in a row u32 members, ascending in each vector, and
 * u32 copies. Writes the copies (f64) of each vector to sums.
 */
export function addVectors(vectors: u32, holders: usize, contents: usize, memberList: usize, copies: usize, sums: usize): void {
  for (let i: usize = 0; i < (vectors as usize); i++) {
    const amount = load<f64>(contents + (i << 3));
    const count = amount as u64;
    const end = memberList + ((load<u32>(holders + (i << 2)) as usize) << 2);
    let sum: u64 = 0;
    for (let earlier = memberList; earlier < end; earlier += 4, copies += 4) {
      const a = load<u32>(earlier);
      sum += load<u32>(copies);
      const mine = own + ((a as usize) << 3);
      store<f64>(mine, load<f64>(mine) + amount);
      const row = rowOf(a);
      for (let later = earlier + 4; later < end; later += 4) {
        const at = row + ((load<u32>(later) - a - 1) << 3);
        store<u64>(at, load<u64>(at) + count);
      }
    }
    store<f64>(sums + (i << 3), sum as f64);
    memberList = end;
  }
}

const BINS: u64 = 65536;

let above: u64 = 0;

/**
 * The smallest count among the `most` largest (fewer than there are pairs); countAbove tells how many pairs have more.
 * bins: 65536 u32. The bin that the place falls into is found, then the bin within it, until a bin is one count.
 */
export function leastOfLargest(most: u64, bins: usize): u64 {
  let largest: u64 = 0;
  for (let at = counts; at < countsEnd; at += 8) largest = max(largest, load<u64>(at));
  let value: u64 = 0;
  let shift: u64 = largest < BINS ? 0 : (63 - clz(largest)) & ~15;
  above = 0;
  while (true) {
    memory.fill(bins, 0, (BINS as usize) << 2);
    for (let at = counts; at < countsEnd; at += 8) {
      const bin = (load<u64>(at) - value) >> shift;
      if (bin >= BINS) continue;
      const to = bins + ((bin as usize) << 2);
      store<u32>(to, load<u32>(to) + 1);
    }
    let bin: u64 = BINS - 1;
    let here: u64 = load<u32>(bins + ((bin as usize) << 2));
    while (above + here < most) {
      above += here;
      bin--;
      here = load<u32>(bins + ((bin as usize) << 2));
    }
    value += bin << shift;
    if (!shift) return value;
    shift -= 16;
  }
}

/** Pairs with a larger count than leastOfLargest gave. */
export function countAbove(): u64 {
  return above;
}

/**
 * Writes the pairs with more than `least` contents and the first `places` of those with as many, in order: u32 a, u32 b,
 * u64 contents. Gives their number.
 */
export function writePairs(least: u64, places: u64, out: usize): u32 {
  let written: u32 = 0;
  let at = counts;
  for (let a: u32 = 0; a < members; a++) {
    for (let b = a + 1; b < members; b++, at += 8) {
      const contents = load<u64>(at);
      if (contents < least) continue;
      if (contents == least) {
        if (!places) continue;
        places--;
      }
      store<u32>(out, a);
      store<u32>(out, b, 4);
      store<u64>(out, contents, 8);
      out += 16;
      written++;
    }
  }
  return written;
}
