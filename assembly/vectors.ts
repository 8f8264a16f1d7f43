// Copy vectors (which members hold a content, in how many copies), each kept once with the number of contents that have
// exactly it. Contents in one copy of one member, the bulk, are counted by member alone.

import { highSeed, lowSeed } from "./seeds";

/** A record: u64 contents, u32 hash, u32 holders, then for each holder u32 member, u32 copies (the last member first). */
const HASH: usize = 8;
const HOLDERS: usize = 12;
const VECTOR: usize = 16;

let singles: usize = 0;
let members: u32 = 0;
let table: usize = 0;
let tableMask: u32 = 0;
let records: usize = 0;
let recordsEnd: usize = 0;
let recordsLimit: usize = 0;
let vectors: u32 = 0;

/**
 * Starts an empty collection: singlesAt: u64 for each of memberCount members; tableAt: tableCount (a power of two) u32; recordsAt
 * to recordsTo: the records.
 */
export function resetVectors(singlesAt: usize, memberCount: u32, tableAt: usize, tableCount: u32, recordsAt: usize, recordsTo: usize): void {
  singles = singlesAt;
  members = memberCount;
  table = tableAt;
  tableMask = tableCount - 1;
  records = recordsAt;
  recordsEnd = recordsAt;
  recordsLimit = recordsTo;
  vectors = 0;
  memory.fill(singles, 0, (members as usize) << 3);
  memory.fill(table, 0, (tableCount as usize) << 2);
}

/** Adds to each member's count of contents that it alone holds, in one copy, those at src (u32). */
export function addSingles(src: usize): void {
  for (let member: usize = 0; member < (members as usize); member++) {
    const at = singles + (member << 3);
    store<u64>(at, load<u64>(at) + (load<u32>(src + (member << 2)) as u64));
  }
}

/** Adds `contents` to the copy vector at src (holders x 8 bytes). False: the collection is full and unchanged. */
export function internVector(src: usize, holders: u32, contents: u64): bool {
  let hash: u64 = highSeed ^ (holders as u64);
  const bytes = (holders as usize) << 3;
  for (let at: usize = 0; at < bytes; at += 8) {
    hash = (hash ^ load<u64>(src + at)) * lowSeed;
    hash ^= hash >> 32;
  }
  const short = hash as u32;
  let i = short & tableMask;
  let offset = load<u32>(table + ((i as usize) << 2));
  while (offset) {
    const record = records + offset - 1;
    if (load<u32>(record, HASH) == short && load<u32>(record, HOLDERS) == holders && isSame(record + VECTOR, src, bytes)) {
      store<u64>(record, load<u64>(record) + contents);
      return true;
    }
    i = (i + 1) & tableMask;
    offset = load<u32>(table + ((i as usize) << 2));
  }
  const record = recordsEnd;
  if (vectors >= tableMask - (tableMask >> 2) || record + VECTOR + bytes > recordsLimit) return false;
  store<u32>(table + ((i as usize) << 2), (record - records + 1) as u32);
  store<u64>(record, contents);
  store<u32>(record, short, HASH);
  store<u32>(record, holders, HOLDERS);
  memory.copy(record + VECTOR, src, bytes);
  recordsEnd = record + VECTOR + bytes;
  vectors++;
  return true;
}

// @ts-ignore: decorator
@inline
function isSame(a: usize, b: usize, bytes: usize): bool {
  for (let at: usize = 0; at < bytes; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false;
  return true;
}

/** Bytes of records collected so far. */
export function recordBytes(): u32 {
  return (recordsEnd - records) as u32;
}

/**
 * Interns the records of `bytes` at src, which another collection made. Gives how many bytes of them were taken: fewer
 * than all when the collection is full.
 */
export function mergeVectors(src: usize, bytes: u32): u32 {
  const end = src + (bytes as usize);
  let at = src;
  while (at < end) {
    const holders = load<u32>(at, HOLDERS);
    if (!internVector(at + VECTOR, holders, load<u64>(at))) break;
    at += VECTOR + ((holders as usize) << 3);
  }
  return (at - src) as u32;
}

/**
 * Goes on with the same records where there is more room: they were moved to recordsAt, may reach to recordsTo, and get a new
 * table.
 */
export function growVectors(tableAt: usize, tableCount: u32, recordsAt: usize, recordsTo: usize): void {
  const bytes = recordsEnd - records;
  table = tableAt;
  tableMask = tableCount - 1;
  records = recordsAt;
  recordsEnd = recordsAt + bytes;
  recordsLimit = recordsTo;
  memory.fill(table, 0, (tableCount as usize) << 2);
  for (let record = records; record < recordsEnd; record += VECTOR + ((load<u32>(record, HOLDERS) as usize) << 3)) {
    let i = load<u32>(record, HASH) & tableMask;
    while (load<u32>(table + ((i as usize) << 2))) i = (i + 1) & tableMask;
    store<u32>(table + ((i as usize) << 2), (record - records + 1) as u32);
  }
}

/** Whether it was for want of a longer table that the last vector was not taken. */
export function isTableFull(): bool {
  return vectors >= tableMask - (tableMask >> 2);
}

const SINGLE: usize = memory.data(8, 8);

/**
 * Interns the contents at src (u64, by member) that one member holds alone and in one copy, from member `from` on. Gives
 * the first member that was not taken: memberCount, or fewer when the collection is full.
 */
export function mergeSingles(src: usize, from: u32, memberCount: u32): u32 {
  for (let member = from; member < memberCount; member++) {
    const contents = load<u64>(src + ((member as usize) << 3));
    store<u32>(SINGLE, member);
    store<u32>(SINGLE, 1, 4);
    if (contents && !internVector(SINGLE, 1, contents)) return member;
  }
  return memberCount;
}

/** Vectors collected so far. */
export function vectorCount(): u32 {
  return vectors;
}

// A merge sort of records, which may be left off at any place: runs of `width` bytes of offsets are merged into runs of twice
// that, at the moment those at runFrom, of which leftAt and rightAt are next.
let source: usize = 0;
let target: usize = 0;
let width: usize = 0;
let runFrom: usize = 0;
let leftAt: usize = 0;
let rightAt: usize = 0;

/**
 * Begins to sort the records' offsets (u32) in the order of their members, then of their copies; order and scratch have room for
 * all of them.
 */
export function beginSort(order: usize, scratch: usize): void {
  let at = records;
  for (let i: usize = 0; i < (vectors as usize); i++) {
    store<u32>(order + (i << 2), (at - records) as u32);
    at += VECTOR + ((load<u32>(at, HOLDERS) as usize) << 3);
  }
  source = order;
  target = scratch;
  width = 4;
  beginRun(0);
}

function beginRun(from: usize): void {
  runFrom = from;
  leftAt = from;
  rightAt = min(from + width, (vectors as usize) << 2);
}

/** Sorts on, by about so many steps. Gives where the sorted offsets are (order or scratch), or 0: it is not done. */
export function sortSome(steps: u32): usize {
  const end = (vectors as usize) << 2;
  let left = (steps as usize) << 2;
  while (width < end) {
    const middle = min(runFrom + width, end);
    const to = min(middle + width, end);
    let a = leftAt;
    let b = rightAt;
    const last = min(to, a + b - middle + left);
    left -= last - (a + b - middle);
    for (let out = a + b - middle; out < last; out += 4) {
      const takesA = b >= to || (a < middle && compareRecords(load<u32>(source + a), load<u32>(source + b)) <= 0);
      store<u32>(target + out, load<u32>(source + (takesA ? a : b)));
      if (takesA) a += 4;
      else b += 4;
    }
    leftAt = a;
    rightAt = b;
    if (last < to) return 0;
    if (to < end) {
      beginRun(to);
      continue;
    }
    const sorted = target;
    target = source;
    source = sorted;
    width <<= 1;
    beginRun(0);
  }
  return source;
}

/** Compares two records by their lists of members, then by their lists of copies. */
function compareRecords(a: u32, b: u32): i32 {
  let atA = records + (a as usize) + VECTOR;
  let atB = records + (b as usize) + VECTOR;
  const firstA = atA;
  const firstB = atB;
  atA += (load<u32>(atA - VECTOR, HOLDERS) as usize) << 3;
  atB += (load<u32>(atB - VECTOR, HOLDERS) as usize) << 3;
  let copies = 0;
  while (atA > firstA && atB > firstB) {
    atA -= 8;
    atB -= 8;
    const memberA = load<u32>(atA);
    const memberB = load<u32>(atB);
    if (memberA != memberB) return memberA < memberB ? -1 : 1;
    const copiesA = load<u32>(atA, 4);
    const copiesB = load<u32>(atB, 4);
    if (!copies && copiesA != copiesB) copies = copiesA < copiesB ? -1 : 1;
  }
  if (atA > firstA) return 1;
  return atB > firstB ? -1 : copies;
}

/**
 * Writes vectors in a sorted order, as many as there is room for: for each u32 holders and f64 contents, and of all in a
 * row u32 members (ascending) and u32 copies. Gives their number.
 */
export function writeVectors(
  order: usize,
  count: u32,
  entryRoom: u32,
  holdersOut: usize,
  contentsOut: usize,
  membersOut: usize,
  copiesOut: usize,
): u32 {
  let room = entryRoom;
  for (let i: u32 = 0; i < count; i++) {
    const record = records + (load<u32>(order + ((i as usize) << 2)) as usize);
    const holders = load<u32>(record, HOLDERS);
    if (holders > room) return i;
    room -= holders;
    store<u32>(holdersOut + ((i as usize) << 2), holders);
    store<f64>(contentsOut + ((i as usize) << 3), load<u64>(record) as f64);
    for (let at = record + VECTOR + ((holders as usize) << 3); at > record + VECTOR; ) {
      at -= 8;
      store<u32>(membersOut, load<u32>(at));
      store<u32>(copiesOut, load<u32>(at, 4));
      membersOut += 4;
      copiesOut += 4;
    }
  }
  return count;
}
