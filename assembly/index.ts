// The content index of one bucket: an open-addressing table from fingerprint to content, small enough for the cache.
// A content's slot holds the member seen last and its copies; earlier holders hang on it as a chain of nodes. Entries
// must come member by member, so a member other than the last one is a new holder.

import { countSingle, internVector } from "./vectors";

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
let room: u32 = 0;
let nodes: usize = 0;
let nodeRoom: u32 = 0;
let nodeCount: u32 = 0;
let firsts: usize = 0;
let contents: u32 = 0;
let zeros: u32 = 0;
let partShift: u64 = 0;
let partMask: u64 = 0;
let part: u64 = 0;

/**
 * Empties the table: `slotCount` slots (a power of two) at slotsAt, `nodeLimit` nodes at nodesAt. Only fingerprints whose
 * `partBits` bits after the bucket's 8 equal partNumber are taken. firstsAt: where insertTracked notes the first
 * page of each content (8 bytes each).
 */
export function resetTable(slotsAt: usize, slotCount: u32, nodesAt: usize, nodeLimit: u32, firstsAt: usize, partBits: u32, partNumber: u32): void {
  slots = slotsAt;
  slotMask = slotCount - 1;
  room = slotCount - (slotCount >> 2);
  nodes = nodesAt;
  nodeRoom = nodeLimit;
  nodeCount = 0;
  firsts = firstsAt;
  contents = 0;
  partShift = 56 - partBits;
  partMask = ((1 as u64) << partBits) - 1;
  part = partNumber;
  memory.fill(slots, 0, (slotCount as usize) << SLOT_SHIFT);
}

/** The slot of a fingerprint, or the empty one where it belongs. */
// @ts-ignore: decorator
@inline
function slotOf(low: u64, high: u64): usize {
  let i = low as u32;
  let slot = slots + (((i & slotMask) as usize) << SLOT_SHIFT);
  while (load<u32>(slot, HOLDER) && (load<u64>(slot) != low || load<u64>(slot, 8) != high)) {
    slot = slots + (((++i & slotMask) as usize) << SLOT_SHIFT);
  }
  return slot;
}

// @ts-ignore: decorator
@inline
function isOfPart(high: u64): bool {
  return ((high >> partShift) & partMask) == part;
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
function newHolder(slot: usize, holder: u32): void {
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
  zeros = 0;
  for (let end = src + ((count as usize) << 4); src < end; src += 16) {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    if (!isOfPart(high)) continue;
    const slot = slotOf(low, high);
    const last = load<u32>(slot, HOLDER);
    if (last == holder) {
      store<u32>(slot, load<u32>(slot, COPIES) + 1, COPIES);
    } else if (!last) {
      if (contents == room) return false;
      newContent(slot, low, high, holder);
    } else if (last == ZERO_HOLDER) {
      zeros++;
    } else {
      if (nodeCount == nodeRoom) return false;
      newHolder(slot, holder);
    }
  }
  return true;
}

let repeats: u32 = 0;

/**
 * As insert, for --verify: notes the first page of each content (segment, place), and writes to `out` for each further
 * page of a content four u32: its segment and place, the first page's segment and place. repeatsMet tells how many.
 */
export function insertTracked(src: usize, places: usize, count: u32, member: u32, segment: u32, out: usize): bool {
  const holder = member + 1;
  zeros = 0;
  repeats = 0;
  for (let end = src + ((count as usize) << 4); src < end; src += 16, places += 4) {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    if (!isOfPart(high)) continue;
    const slot = slotOf(low, high);
    const last = load<u32>(slot, HOLDER);
    if (!last) {
      if (contents == room) return false;
      const first = firsts + ((contents as usize) << 3);
      store<u32>(first, segment);
      store<u32>(first, load<u32>(places), 4);
      newContent(slot, low, high, holder);
      continue;
    }
    const to = out + ((repeats as usize) << 4);
    store<u32>(to, segment);
    store<u32>(to, load<u32>(places), 4);
    store<u64>(to, load<u64>(firsts + ((load<u32>(slot, NUMBER) as usize) << 3)), 8);
    repeats++;
    if (last == holder) {
      store<u32>(slot, load<u32>(slot, COPIES) + 1, COPIES);
    } else {
      if (nodeCount == nodeRoom) return false;
      newHolder(slot, holder);
    }
  }
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
 * Adds the copy vector of each content, from slot `from` on, to the collected vectors; scratch: 8 bytes for each member.
 * Gives the slot at which it had to stop because the collection is full, or the number of slots.
 */
export function collect(from: u32, scratch: usize): u32 {
  for (let i = from; i <= slotMask; i++) {
    const slot = slots + ((i as usize) << SLOT_SHIFT);
    const last = load<u32>(slot, HOLDER);
    if (!last || last == ZERO_HOLDER) continue;
    const copies = load<u32>(slot, COPIES);
    let chain = load<u32>(slot, CHAIN);
    if (!chain && copies == 1) {
      countSingle(last - 1);
      continue;
    }
    let to = scratch;
    store<u32>(to, last - 1);
    store<u32>(to, copies, 4);
    to += 8;
    while (chain) {
      const node = nodes + ((chain - 1) as usize) * NODE_BYTES;
      store<u32>(to, load<u32>(node, NODE_MEMBER));
      store<u32>(to, load<u32>(node, NODE_COPIES), 4);
      chain = load<u32>(node, NODE_CHAIN);
      to += 8;
    }
    if (!internVector(scratch, ((to - scratch) >> 3) as u32, 1)) return i;
  }
  return slotMask + 1;
}
