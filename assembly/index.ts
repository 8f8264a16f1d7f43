// The content index of one bucket: an open-addressing table from fingerprint to content, small enough for the cache.
// A content's slot holds the member seen last and its copies; earlier holders hang on it as a chain of nodes. Entries
// must come member by member, so a member other than the last one is a new holder.

import { highPartSeed, highSeed, lowPartSeed, lowSeed } from "./seeds";
import { addSingles, internVector } from "./vectors";

/** A slot: low u64, high u64, then: */
const HOLDER: usize = 16; // u32: last member + 1; 0: the slot is empty; ZERO_HOLDER: the zero content
const COPIES: usize = 20; // u32: copies that the last member holds
const CHAIN: usize = 24; // u32: node of the holder before + 1; 0: there is none
const NUMBER: usize = 28; // u32: content number, by first sight
const SLOT_SHIFT: usize = 5;
const ZERO_HOLDER: u32 = 0xffffffff;

/** A node: an earlier holder. */
const NODE_MEMBER: usize = 0; // u32
const NODE_COPIES: usize = 4; // u32
const NODE_CHAIN: usize = 8; // u32
const NODE_BYTES: usize = 12;

let slots: usize = 0;
let slotMask: u32 = 0;
let slotShift: u64 = 0;
let room: u32 = 0;
let nodes: usize = 0;
let nodeRoom: u32 = 0;
let nodeCount: u32 = 0;
/** Slots (offsets, u32) of contents that exist more than once. */
let multiples: usize = 0;
let multipleCount: u32 = 0;
let singlesTaken: bool = false;
/** For each member the contents (u32) that it alone holds, in one copy. */
let singles: usize = 0;
let members: u32 = 0;
let firsts: usize = 0;
let contents: u32 = 0;
let zeros: u32 = 0;
let partShift: u64 = 0;
let partBits: u32 = 0;
let part: u64 = 0;

/**
 * Sets the memory of the table: slotCount slots (a power of two) of 32 bytes, nodeLimit nodes of 12, for each slot 4
 * bytes of multiplesAt and 8 of firstsAt, for each of memberCount members 4 of singlesAt.
 */
export function setTable(
  slotsAt: usize,
  slotCount: u32,
  nodesAt: usize,
  nodeLimit: u32,
  multiplesAt: usize,
  firstsAt: usize,
  singlesAt: usize,
  memberCount: u32,
): void {
  slots = slotsAt;
  slotMask = slotCount - 1;
  slotShift = clz<u64>(slotMask as u64);
  room = slotCount - (slotCount >> 2);
  nodes = nodesAt;
  nodeRoom = nodeLimit;
  multiples = multiplesAt;
  firsts = firstsAt;
  singles = singlesAt;
  members = memberCount;
}

/** Empties the table. It will take those fingerprints only that are of a part of 2^bits. */
export function resetTable(bits: u32, partNumber: u32): void {
  nodeCount = 0;
  contents = 0;
  multipleCount = 0;
  singlesTaken = false;
  partBits = bits;
  partShift = 64 - bits;
  part = partNumber;
  memory.fill(slots, 0, ((slotMask + 1) as usize) << SLOT_SHIFT);
  memory.fill(singles, 0, (members as usize) << 2);
}

/** The slot of a fingerprint, or the empty one where it belongs. */
// @ts-ignore: decorator
@inline
function slotOf(low: u64, high: u64): usize {
  let i = ((low * lowSeed + high * highSeed) >> slotShift) as u32;
  let slot = slots + (((i & slotMask) as usize) << SLOT_SHIFT);
  while (load<u32>(slot, HOLDER) && (load<u64>(slot) != low || load<u64>(slot, 8) != high)) {
    slot = slots + (((++i & slotMask) as usize) << SLOT_SHIFT);
  }
  return slot;
}

// @ts-ignore: decorator
@inline
function isOfPart(low: u64, high: u64): bool {
  return !partBits || (low * lowPartSeed + high * highPartSeed) >> partShift == part;
}

// @ts-ignore: decorator
@inline
function newContent(slot: usize, low: u64, high: u64, holder: u32): void {
  store<u64>(slot, low);
  store<u64>(slot, high, 8);
  store<u32>(slot, holder, HOLDER);
  store<u32>(slot, 1, COPIES);
  store<u32>(slot, contents++, NUMBER);
}

// @ts-ignore: decorator
@inline
function addSingle(member: u32, count: i32): void {
  const at = singles + ((member as usize) << 2);
  store<u32>(at, load<u32>(at) + count);
}

/** Counts one more copy for the last holder. */
// @ts-ignore: decorator
@inline
function newCopy(slot: usize, holder: u32): void {
  const copies = load<u32>(slot, COPIES);
  if (copies == 1 && !load<u32>(slot, CHAIN)) becomesMultiple(slot, holder);
  store<u32>(slot, copies + 1, COPIES);
}

/** A content that its holder alone had, in one copy, is found again. */
function becomesMultiple(slot: usize, holder: u32): void {
  addSingle(holder - 1, -1);
  store<u32>(multiples + ((multipleCount++ as usize) << 2), (slot - slots) as u32);
}

// @ts-ignore: decorator
@inline
function newHolder(slot: usize, holder: u32): void {
  if (load<u32>(slot, COPIES) == 1 && !load<u32>(slot, CHAIN)) becomesMultiple(slot, load<u32>(slot, HOLDER));
  const node = nodes + (nodeCount as usize) * NODE_BYTES;
  store<u32>(node, load<u32>(slot, HOLDER) - 1, NODE_MEMBER);
  store<u32>(node, load<u32>(slot, COPIES), NODE_COPIES);
  store<u32>(node, load<u32>(slot, CHAIN), NODE_CHAIN);
  store<u32>(slot, ++nodeCount, CHAIN);
  store<u32>(slot, holder, HOLDER);
  store<u32>(slot, 1, COPIES);
}

/** Marks `count` fingerprints as the zero content: pages that have one are counted by zerosMet. */
export function insertZeros(src: usize, count: u32): void {
  for (let end = src + ((count as usize) << 4); src < end; src += 16) {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    const slot = slotOf(low, high);
    if (!load<u32>(slot, HOLDER)) newContent(slot, low, high, ZERO_HOLDER);
  }
}

/** Inserts `count` entries of one member. False: the table is full, and its state is of no use. */
export function insert(src: usize, count: u32, member: u32): bool {
  const holder = member + 1;
  let fresh = 0;
  zeros = 0;
  for (let end = src + ((count as usize) << 4); src < end; src += 16) {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    if (!isOfPart(low, high)) continue;
    const slot = slotOf(low, high);
    const last = load<u32>(slot, HOLDER);
    if (last == holder) {
      newCopy(slot, holder);
    } else if (!last) {
      if (contents >= room) return false;
      newContent(slot, low, high, holder);
      fresh++;
    } else if (last == ZERO_HOLDER) {
      zeros++;
    } else {
      if (nodeCount == nodeRoom) return false;
      newHolder(slot, holder);
    }
  }
  addSingle(member, fresh);
  return true;
}

let repeats: u32 = 0;

/**
 * As insert, for --verify: notes the first page of each content (segment, place), and writes to `out` for each further
 * page of a content four u32: its segment and place, the first page's segment and place. repeatsMet tells how many.
 */
export function insertTracked(src: usize, places: usize, count: u32, member: u32, segment: u32, out: usize): bool {
  const holder = member + 1;
  let fresh = 0;
  zeros = 0;
  repeats = 0;
  for (let end = src + ((count as usize) << 4); src < end; src += 16, places += 4) {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    if (!isOfPart(low, high)) continue;
    const slot = slotOf(low, high);
    const last = load<u32>(slot, HOLDER);
    if (!last) {
      if (contents >= room) return false;
      const first = firsts + ((contents as usize) << 3);
      store<u32>(first, segment);
      store<u32>(first, load<u32>(places), 4);
      newContent(slot, low, high, holder);
      fresh++;
      continue;
    }
    const to = out + ((repeats as usize) << 4);
    store<u32>(to, segment);
    store<u32>(to, load<u32>(places), 4);
    store<u64>(to, load<u64>(firsts + ((load<u32>(slot, NUMBER) as usize) << 3)), 8);
    repeats++;
    if (last == holder) {
      newCopy(slot, holder);
    } else {
      if (nodeCount == nodeRoom) return false;
      newHolder(slot, holder);
    }
  }
  addSingle(member, fresh);
  return true;
}

/** Entries of the last insert that are the zero content. */
export function zerosMet(): u32 {
  return zeros;
}

/** Pages that the last insertTracked wrote to `out`. */
export function repeatsMet(): u32 {
  return repeats;
}

/**
 * Adds the copy vectors of the contents to the collection, from number `from` of those that exist more than once on;
 * scratch: 8 bytes for each member. Gives the number at which it had to stop because the collection is full, or all.
 */
export function collect(from: u32, scratch: usize): u32 {
  // The first call may stop at once, and then comes again.
  if (!singlesTaken) addSingles(singles);
  singlesTaken = true;
  for (let i = from; i < multipleCount; i++) {
    const slot = slots + (load<u32>(multiples + ((i as usize) << 2)) as usize);
    store<u32>(scratch, load<u32>(slot, HOLDER) - 1);
    store<u32>(scratch, load<u32>(slot, COPIES), 4);
    let to = scratch + 8;
    let chain = load<u32>(slot, CHAIN);
    while (chain) {
      const node = nodes + ((chain - 1) as usize) * NODE_BYTES;
      store<u32>(to, load<u32>(node, NODE_MEMBER));
      store<u32>(to, load<u32>(node, NODE_COPIES), 4);
      chain = load<u32>(node, NODE_CHAIN);
      to += 8;
    }
    if (!internVector(scratch, ((to - scratch) >> 3) as u32, 1)) return i;
  }
  return multipleCount;
}

/** Contents that exist more than once. */
export function multiplesMet(): u32 {
  return multipleCount;
}

export { setSeeds } from "./seeds";
