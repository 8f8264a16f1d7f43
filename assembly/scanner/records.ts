// What ksmd knows, as it lies in memory: pages and their items, stable nodes, members' turns, groups; and its rules. Source of
// all that follows: mm/ksm.c of Linux 2.6.36, 3.6, 6.1, 6.12 and 6.18; the functions that a part stands for are named there.

import { KEY } from "../rbtree";

// A page, and the scanner's item for it (struct ksm_rmap_item). Its content is the key of its node.
export const PAGE_SHIFT: usize = 5;
export const FLAGS: usize = 0; // u8: the item's state
export const SEQUENCE: usize = 1; // u8: the pass in which it was put into the unstable tree, cut to a byte
export const AGE: usize = 2; // u8
export const SKIPS: usize = 3; // u8
export const CHECKSUM: usize = 4; // u32: content at the last checksum + 1; 0: none yet
export const FRAME: usize = 8; // u32: the stable node whose frame the page maps; 0: a frame of its own
export const LISTED: usize = 12; // u32: the stable node under which the item is listed
export const NEXT_ITEM: usize = 16; // u32: page of the next item listed there
export const PREVIOUS_ITEM: usize = 20; // u32

export const HAS_ITEM: u8 = 1;
export const UNSTABLE: u8 = 2;
export const STABLE: u8 = 4;

/** Keys of pages that have no content of their own to compare. */
export const ABSENT: u32 = 0xffffffff;
export const ZERO_FRAME: u32 = 0xfffffffe; // merged with the kernel's zero page

// A stable node: a frame, or a chain of frames of one content. Its place in the tree is its 16-byte node.
export const STABLE_SHIFT: usize = 5;
export const FIRST_ITEM: usize = 0; // u32: page of the first item listed
export const LENGTH: usize = 4; // i32: items listed; CHAIN: a chain
export const MAPPED: usize = 8; // u32: pages that map the frame; 0: it is freed, the node is stale
export const CHAIN_OF: usize = 12; // u32: the chain that a frame is in; of a chain: its first frame
export const NEXT_DUP: usize = 16; // u32: next frame of the chain; of a free node: the next free one
export const PREVIOUS_DUP: usize = 20; // u32
export const PRUNED: usize = 24; // f64: milliseconds when the chain was pruned last

export const CHAIN: i32 = -1;

// A member's turn in the scan (struct ksm_mm_slot): it stands in its group's circular list, whose head is the group's own.
export const TURN_SHIFT: usize = 5;
export const FIRST_PAGE: usize = 0; // u32: its pages are first..last
export const LAST_PAGE: usize = 4; // u32
export const NEXT_TURN: usize = 8; // u32; 0: it stands in no list
export const PREVIOUS_TURN: usize = 12; // u32
export const ITEMS: usize = 16; // u32
export const MERGEABLE: usize = 20; // u32: 0: it has exited or was unmerged
export const GROUP: usize = 24; // u32

// A group: its trees, its cursor, its counters.
export const GROUP_SHIFT: usize = 8;
export const STABLE_ROOT: usize = 0; // u32
export const UNSTABLE_ROOT: usize = 4; // u32
export const PASS: usize = 8; // u32
export const CURSOR: usize = 12; // u32: the turn
export const PLACE: usize = 16; // u32: the next page of the turn
export const ITEM_PLACE: usize = 20; // u32: items before this page are behind the cursor
export const STARTED: usize = 24; // u32: whether the turn met anything mergeable
export const HEAD: usize = 28; // u32: the turn that is the list's head
export const COUNTERS: usize = 32; // u64 each:
export const SCANNED: usize = COUNTERS;
export const SHARED: usize = COUNTERS + 8;
export const SHARING: usize = COUNTERS + 16;
export const UNSHARED: usize = COUNTERS + 24;
export const SKIPPED: usize = COUNTERS + 32;
export const ZERO_PAGES: usize = COUNTERS + 40;
export const CHAINS: usize = COUNTERS + 48;
export const DUPS: usize = COUNTERS + 56;
export const ALL_ITEMS: usize = COUNTERS + 64;
export const BREAKS: usize = COUNTERS + 72;
export const CHECKSUMS: usize = COUNTERS + 80;
export const COMPARES: usize = COUNTERS + 88;
export const MERGES: usize = COUNTERS + 96;
export const EQUALS: usize = COUNTERS + 104;
/** Pages that have no frame of their own, less the frames that they share: what is saved at this moment. */
export const SAVED: usize = COUNTERS + 112;

export let pages: usize = 0;
export let pageNodes: usize = 0;
export let frames: usize = 0;
export let frameNodes: usize = 0;
export let turns: usize = 0;
export let groups: usize = 0;

/** Rules: checksum before the search of the stable tree (6.11); neither zero pages nor chains nor limits (2.6.36, 3.6). */
export let checksumFirst: bool = true;
export let ancient: bool = false;
export let maxSharing: i32 = 256;
export let useZeroPages: bool = false;
export let smartScan: bool = false;
export let pruneMs: f64 = 2000;
/** The group that is being worked on. */
export let group: usize = 0;

/** Where everything lies, now: 32 and 16 bytes a page and a stable node (number 0 is none), 32 a turn, 256 a group. */
export function layScanner(
  pagesAt: usize,
  pageNodesAt: usize,
  framesAt: usize,
  frameNodesAt: usize,
  turnsAt: usize,
  groupsAt: usize,
): void {
  pages = pagesAt;
  pageNodes = pageNodesAt;
  frames = framesAt;
  frameNodes = frameNodesAt;
  turns = turnsAt;
  groups = groupsAt;
}

export function setRules(
  checksumBefore: bool,
  old: bool,
  maxPageSharing: i32,
  zeroPages: bool,
  smart: bool,
  pruneMilliseconds: f64,
): void {
  checksumFirst = checksumBefore;
  ancient = old;
  maxSharing = maxPageSharing;
  useZeroPages = zeroPages;
  smartScan = smart;
  pruneMs = pruneMilliseconds;
}

// @ts-ignore: decorator
@inline
export function page(number: u32): usize {
  return pages + ((number as usize) << PAGE_SHIFT);
}

// @ts-ignore: decorator
@inline
export function contentOf(number: u32): u32 {
  return load<u32>(pageNodes + ((number as usize) << 4), KEY);
}

// @ts-ignore: decorator
@inline
export function setContent(number: u32, content: u32): void {
  store<u32>(pageNodes + ((number as usize) << 4), content, KEY);
}

// @ts-ignore: decorator
@inline
export function frame(number: u32): usize {
  return frames + ((number as usize) << STABLE_SHIFT);
}

// @ts-ignore: decorator
@inline
export function turn(number: u32): usize {
  return turns + ((number as usize) << TURN_SHIFT);
}

// @ts-ignore: decorator
@inline
export function add(counter: usize, amount: i64): void {
  store<u64>(group + counter, load<u64>(group + counter) + (amount as u64));
}

// @ts-ignore: decorator
@inline
export function useGroup(number: u32): void {
  group = groups + ((number as usize) << GROUP_SHIFT);
}
