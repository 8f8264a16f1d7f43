// ksmd: the scan of pages, the unstable and the stable tree of each group, and what writes and exits do to them. Source:
// mm/ksm.c of Linux 2.6.36, 3.6, 6.1, 6.12 and 6.18; the functions that a part stands for are named there.

import { eraseNode, insertNode, KEY, LEFT, replaceNode, RIGHT } from "./rbtree";

// A page, and the scanner's item for it (struct ksm_rmap_item). Its content is the key of its node.
const PAGE_SHIFT: usize = 5;
const FLAGS: usize = 0; // u8: the item's state
const SEQUENCE: usize = 1; // u8: the pass in which it was put into the unstable tree, cut to a byte
const AGE: usize = 2; // u8
const SKIPS: usize = 3; // u8
const CHECKSUM: usize = 4; // u32: content at the last checksum + 1; 0: none yet
const FRAME: usize = 8; // u32: the stable node whose frame the page maps; 0: a frame of its own
const LISTED: usize = 12; // u32: the stable node under which the item is listed
const NEXT_ITEM: usize = 16; // u32: page of the next item listed there
const PREVIOUS_ITEM: usize = 20; // u32

const HAS_ITEM: u8 = 1;
const UNSTABLE: u8 = 2;
const STABLE: u8 = 4;

/** Keys of pages that have no content of their own to compare. */
export const ABSENT: u32 = 0xffffffff;
const ZERO_FRAME: u32 = 0xfffffffe; // merged with the kernel's zero page

// A stable node: a frame, or a chain of frames of one content. Its place in the tree is its 16-byte node.
const STABLE_SHIFT: usize = 5;
const FIRST_ITEM: usize = 0; // u32: page of the first item listed
const LENGTH: usize = 4; // i32: items listed; CHAIN: a chain
const MAPPED: usize = 8; // u32: pages that map the frame; 0: it is freed, the node is stale
const CHAIN_OF: usize = 12; // u32: the chain that a frame is in; of a chain: its first frame
const NEXT_DUP: usize = 16; // u32: next frame of the chain; of a free node: the next free one
const PREVIOUS_DUP: usize = 20; // u32
const PRUNED: usize = 24; // f64: milliseconds when the chain was pruned last

const CHAIN: i32 = -1;

// A member's turn in the scan (struct ksm_mm_slot): it stands in its group's circular list, whose head is the group's own.
const TURN_SHIFT: usize = 5;
const FIRST_PAGE: usize = 0; // u32: its pages are first..last
const LAST_PAGE: usize = 4; // u32
const NEXT_TURN: usize = 8; // u32; 0: it stands in no list
const PREVIOUS_TURN: usize = 12; // u32
const ITEMS: usize = 16; // u32
const MERGEABLE: usize = 20; // u32: 0: it has exited or was unmerged
const GROUP: usize = 24; // u32

// A group: its trees, its cursor, its counters.
const GROUP_SHIFT: usize = 8;
const STABLE_ROOT: usize = 0; // u32
const UNSTABLE_ROOT: usize = 4; // u32
const PASS: usize = 8; // u32
const CURSOR: usize = 12; // u32: the turn
const PLACE: usize = 16; // u32: the next page of the turn
const ITEM_PLACE: usize = 20; // u32: items before this page are behind the cursor
const STARTED: usize = 24; // u32: whether the turn met anything mergeable
const HEAD: usize = 28; // u32: the turn that is the list's head
const COUNTERS: usize = 32; // u64 each:
const SCANNED: usize = COUNTERS;
const SHARED: usize = COUNTERS + 8;
const SHARING: usize = COUNTERS + 16;
const UNSHARED: usize = COUNTERS + 24;
const SKIPPED: usize = COUNTERS + 32;
const ZERO_PAGES: usize = COUNTERS + 40;
const CHAINS: usize = COUNTERS + 48;
const DUPS: usize = COUNTERS + 56;
const ALL_ITEMS: usize = COUNTERS + 64;
const BREAKS: usize = COUNTERS + 72;
const CHECKSUMS: usize = COUNTERS + 80;
const COMPARES: usize = COUNTERS + 88;
const MERGES: usize = COUNTERS + 96;
const EQUALS: usize = COUNTERS + 104;
/** Pages that have no frame of their own, less the frames that they share: what is saved at this moment. */
const SAVED: usize = COUNTERS + 112;

let pages: usize = 0;
let pageNodes: usize = 0;
let frames: usize = 0;
let frameNodes: usize = 0;
let frameEnd: u32 = 1;
let freeFrames: u32 = 0;
let turns: usize = 0;
let groups: usize = 0;

/** Rules: checksum before the search of the stable tree (6.11); neither zero pages nor chains nor limits (2.6.36, 3.6). */
let checksumFirst: bool = true;
let ancient: bool = false;
let maxSharing: i32 = 256;
let useZeroPages: bool = false;
let smartScan: bool = false;
let pruneMs: f64 = 2000;
let now: f64 = 0;
/** The group that is being worked on. */
let group: usize = 0;

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
function page(number: u32): usize {
  return pages + ((number as usize) << PAGE_SHIFT);
}

// @ts-ignore: decorator
@inline
function contentOf(number: u32): u32 {
  return load<u32>(pageNodes + ((number as usize) << 4), KEY);
}

// @ts-ignore: decorator
@inline
function setContent(number: u32, content: u32): void {
  store<u32>(pageNodes + ((number as usize) << 4), content, KEY);
}

// @ts-ignore: decorator
@inline
function frame(number: u32): usize {
  return frames + ((number as usize) << STABLE_SHIFT);
}

// @ts-ignore: decorator
@inline
function turn(number: u32): usize {
  return turns + ((number as usize) << TURN_SHIFT);
}

// @ts-ignore: decorator
@inline
function add(counter: usize, amount: i64): void {
  store<u64>(group + counter, load<u64>(group + counter) + (amount as u64));
}

// @ts-ignore: decorator
@inline
function useGroup(number: u32): void {
  group = groups + ((number as usize) << GROUP_SHIFT);
}

// ---- groups and members

/** Starts a group whose list of members is empty; head: the turn that stands for it in the list. */
export function startGroup(number: u32, head: u32): void {
  useGroup(number);
  memory.fill(group, 0, (1 as usize) << GROUP_SHIFT);
  store<u32>(turn(head), head, NEXT_TURN);
  store<u32>(turn(head), head, PREVIOUS_TURN);
  store<u32>(group, head, HEAD);
  store<u32>(group, head, CURSOR);
}

function linkTurn(number: u32, before: u32): void {
  const previous = load<u32>(turn(before), PREVIOUS_TURN);
  store<u32>(turn(number), previous, PREVIOUS_TURN);
  store<u32>(turn(number), before, NEXT_TURN);
  store<u32>(turn(previous), number, NEXT_TURN);
  store<u32>(turn(before), number, PREVIOUS_TURN);
}

function unlinkTurn(number: u32): void {
  const previous = load<u32>(turn(number), PREVIOUS_TURN);
  const next = load<u32>(turn(number), NEXT_TURN);
  store<u32>(turn(previous), next, NEXT_TURN);
  store<u32>(turn(next), previous, PREVIOUS_TURN);
  store<u32>(turn(number), 0, NEXT_TURN);
}

/** Registers a member with the pages first..last (none of them with an item) just before the cursor (__ksm_enter). */
export function enterMember(number: u32, first: u32, last: u32, groupNumber: u32): void {
  useGroup(groupNumber);
  const at = turn(number);
  store<u32>(at, first, FIRST_PAGE);
  store<u32>(at, last, LAST_PAGE);
  store<u32>(at, 0, ITEMS);
  store<u32>(at, 1, MERGEABLE);
  store<u32>(at, groupNumber, GROUP);
  linkTurn(number, load<u32>(group, CURSOR));
}

/** A member ends: its pages go at once, its items when the scan comes by (__ksm_exit). */
export function exitMember(number: u32): void {
  releasePages(number, false);
  if (!load<u32>(turn(number), NEXT_TURN)) return;
  const cursor = load<u32>(group, CURSOR);
  if (cursor == number) {
    // The scan finds it gone, whatever was done of it.
    store<u32>(group, load<u32>(turn(number), FIRST_PAGE), ITEM_PLACE);
    store<u32>(group, 0, STARTED);
    return;
  }
  unlinkTurn(number);
  if (load<u32>(turn(number), ITEMS)) linkTurn(number, load<u32>(turn(cursor), NEXT_TURN));
}

/**
 * A member's pages get frames of their own again, and the scanner has nothing more to do with them; its items go when the
 * scan comes by (MADV_UNMERGEABLE).
 */
export function unmergeMember(number: u32): void {
  releasePages(number, true);
}

function releasePages(number: u32, copies: bool): void {
  const at = turn(number);
  useGroup(load<u32>(at, GROUP));
  store<u32>(at, 0, MERGEABLE);
  for (let p = load<u32>(at, FIRST_PAGE); p < load<u32>(at, LAST_PAGE); p++) {
    if (leaveFrame(p) && copies) add(BREAKS, 1);
    setContent(p, ABSENT);
  }
}

/** The page maps the frame that it shares no more; false: it has one of its own. */
function leaveFrame(p: u32): bool {
  if (contentOf(p) == ZERO_FRAME) {
    add(ZERO_PAGES, -1);
    add(SAVED, -1);
    return true;
  }
  const mapped = load<u32>(page(p), FRAME);
  if (!mapped) return false;
  const others = load<u32>(frame(mapped), MAPPED) - 1;
  store<u32>(frame(mapped), others, MAPPED);
  if (others) add(SAVED, -1);
  store<u32>(page(p), 0, FRAME);
  return true;
}

/** A page of a member is written, or appears. */
export function writePage(p: u32, content: u32, groupNumber: u32): void {
  useGroup(groupNumber);
  if (leaveFrame(p)) add(BREAKS, 1);
  setContent(p, content);
}

/** A page goes (MADV_DONTNEED). */
export function dropPage(p: u32, groupNumber: u32): void {
  useGroup(groupNumber);
  leaveFrame(p);
  setContent(p, ABSENT);
}

/** A member's part of what its group has reclaimed: (k - 1) / k for each item listed with k - 1 others, 1 for a zero page. */
export function shareOf(number: u32): f64 {
  const at = turn(number);
  let share: f64 = 0;
  for (let p = load<u32>(at, FIRST_PAGE); p < load<u32>(at, LAST_PAGE); p++) {
    if (contentOf(p) == ZERO_FRAME) share += 1;
    if (load<u8>(page(p), FLAGS) & STABLE) {
      const listed = load<i32>(frame(load<u32>(page(p), LISTED)), LENGTH) as f64;
      share += (listed - 1) / listed;
    }
  }
  return share;
}

/** Whether a member has left its group's list, and nothing of it is left there. */
export function isGone(number: u32): bool {
  return !load<u32>(turn(number), NEXT_TURN) && !load<u32>(turn(number), ITEMS);
}

// ---- items

/** remove_rmap_item_from_tree */
function leaveTrees(p: u32): void {
  const at = page(p);
  const flags = load<u8>(at, FLAGS);
  if (flags & STABLE) {
    const node = load<u32>(at, LISTED);
    if (!load<u32>(frame(node), MAPPED)) {
      removeStable(node);
      return;
    }
    unlist(p, node);
    add(load<u32>(frame(node), FIRST_ITEM) ? SHARING : SHARED, -1);
    store<u8>(at, flags & ~STABLE, FLAGS);
  } else if (flags & UNSTABLE) {
    if (load<u8>(at, SEQUENCE) == (load<u32>(group, PASS) as u8)) eraseNode(pageNodes, group + UNSTABLE_ROOT, p);
    add(UNSHARED, -1);
    store<u8>(at, flags & ~UNSTABLE, FLAGS);
  }
}

function unlist(p: u32, node: u32): void {
  const next = load<u32>(page(p), NEXT_ITEM);
  const previous = load<u32>(page(p), PREVIOUS_ITEM);
  if (previous) store<u32>(page(previous), next, NEXT_ITEM);
  else store<u32>(frame(node), next, FIRST_ITEM);
  if (next) store<u32>(page(next), previous, PREVIOUS_ITEM);
  store<i32>(frame(node), load<i32>(frame(node), LENGTH) - 1, LENGTH);
  store<u32>(page(p), 0, LISTED);
}

/** stable_tree_append */
function list(p: u32, node: u32): void {
  const first = load<u32>(frame(node), FIRST_ITEM);
  store<u32>(page(p), first, NEXT_ITEM);
  store<u32>(page(p), 0, PREVIOUS_ITEM);
  if (first) store<u32>(page(first), p, PREVIOUS_ITEM);
  store<u32>(frame(node), p, FIRST_ITEM);
  store<i32>(frame(node), load<i32>(frame(node), LENGTH) + 1, LENGTH);
  store<u32>(page(p), node, LISTED);
  store<u8>(page(p), load<u8>(page(p), FLAGS) | STABLE, FLAGS);
  add(first ? SHARING : SHARED, 1);
}

function freeItem(p: u32, turnAt: usize): void {
  leaveTrees(p);
  store<u8>(page(p), 0, FLAGS);
  store<u32>(turnAt, load<u32>(turnAt, ITEMS) - 1, ITEMS);
  add(ALL_ITEMS, -1);
}

/** Frees the items of the pages from..to. */
function freeItems(from: u32, to: u32, turnAt: usize): void {
  for (let p = from; p < to && load<u32>(turnAt, ITEMS); p++) if (load<u8>(page(p), FLAGS)) freeItem(p, turnAt);
}

// ---- stable nodes

function newFrame(): u32 {
  let node = freeFrames;
  if (node) freeFrames = load<u32>(frame(node), NEXT_DUP);
  else node = frameEnd++;
  memory.fill(frame(node), 0, (1 as usize) << STABLE_SHIFT);
  return node;
}

function freeFrame(node: u32): void {
  store<u32>(frame(node), freeFrames, NEXT_DUP);
  freeFrames = node;
}

/** Takes a frame off its chain's list. */
function unlinkDup(node: u32): void {
  const at = frame(node);
  const chain = load<u32>(at, CHAIN_OF);
  const next = load<u32>(at, NEXT_DUP);
  const previous = load<u32>(at, PREVIOUS_DUP);
  if (previous) store<u32>(frame(previous), next, NEXT_DUP);
  else store<u32>(frame(chain), next, CHAIN_OF);
  if (next) store<u32>(frame(next), previous, PREVIOUS_DUP);
}

/** Puts a frame at the front of a chain. */
function linkDup(node: u32, chain: u32): void {
  const first = load<u32>(frame(chain), CHAIN_OF);
  store<u32>(frame(node), chain, CHAIN_OF);
  store<u32>(frame(node), first, NEXT_DUP);
  store<u32>(frame(node), 0, PREVIOUS_DUP);
  if (first) store<u32>(frame(first), node, PREVIOUS_DUP);
  store<u32>(frame(chain), node, CHAIN_OF);
}

// @ts-ignore: decorator
@inline
function isChain(node: u32): bool {
  return load<i32>(frame(node), LENGTH) == CHAIN;
}

/** The frame was freed: all items listed lose their mark (remove_node_from_stable_tree). */
function removeStable(node: u32): void {
  for (let p = load<u32>(frame(node), FIRST_ITEM); p; ) {
    const next = load<u32>(page(p), NEXT_ITEM);
    add(next ? SHARING : SHARED, -1);
    store<u8>(page(p), load<u8>(page(p), FLAGS) & ~STABLE, FLAGS);
    store<u32>(page(p), 0, LISTED);
    p = next;
  }
  if (load<u32>(frame(node), CHAIN_OF)) {
    unlinkDup(node);
    add(DUPS, -1);
  } else {
    eraseNode(frameNodes, group + STABLE_ROOT, node);
  }
  freeFrame(node);
}

function freeChain(chain: u32): void {
  eraseNode(frameNodes, group + STABLE_ROOT, chain);
  add(CHAINS, -1);
  freeFrame(chain);
}

/** is_page_sharing_candidate: whether a frame takes one page more, and `further` ones. */
// @ts-ignore: decorator
@inline
function isCandidate(node: u32, further: i32): bool {
  const length = load<i32>(frame(node), LENGTH);
  return ancient || (length > 0 && length + further < maxSharing);
}

/** What stands at a place of the stable tree after `walkPlace`: the place's node, which may have changed, and a frame. */
let place: u32 = 0;
let dup: u32 = 0;

/**
 * Looks at a node of the stable tree on the way (chain_prune, chain): gives a frame to compare with, 0 if the tree has
 * changed. `dup` is a frame of it that was chosen, 0 where (before 6.11) none has room.
 */
function walkPlace(node: u32, prunes: bool): u32 {
  place = node;
  dup = 0;
  if (!isChain(node)) {
    if (!load<u32>(frame(node), MAPPED)) {
      removeStable(node);
      return 0;
    }
    if (checksumFirst || isCandidate(node, 0)) dup = node;
    return node;
  }
  if (prunes && now >= load<f64>(frame(node), PRUNED) + pruneMs) store<f64>(frame(node), now, PRUNED);
  else prunes = false;
  return checksumFirst ? chooseDup(node, prunes) : chooseDupBefore(node, prunes);
}

/** stable_node_dup of 6.11 and later. */
function chooseDup(chain: u32, prunes: bool): u32 {
  let found: u32 = 0;
  for (let one = load<u32>(frame(chain), CHAIN_OF); one; ) {
    const next = load<u32>(frame(one), NEXT_DUP);
    if (!load<u32>(frame(one), MAPPED)) {
      removeStable(one);
    } else {
      const better =
        !found ||
        (isCandidate(one, 0) &&
          (!isCandidate(found, 0) || load<i32>(frame(one), LENGTH) > load<i32>(frame(found), LENGTH)));
      if (better) {
        found = one;
        if (!prunes && isCandidate(found, 0)) break;
      }
    }
    one = next;
  }
  dup = found;
  if (!found) {
    freeChain(chain);
    return 0;
  }
  const isOnly = load<u32>(frame(chain), CHAIN_OF) == found && !load<u32>(frame(found), NEXT_DUP);
  if (isOnly) dissolve(chain, found);
  else toFront(chain, found);
  return found;
}

/** stable_node_dup before 6.11, and stable_node_dup_any where no frame has room. */
function chooseDupBefore(chain: u32, prunes: bool): u32 {
  let found: u32 = 0;
  let alive = 0;
  for (let one = load<u32>(frame(chain), CHAIN_OF); one; ) {
    const next = load<u32>(frame(one), NEXT_DUP);
    if (!load<u32>(frame(one), MAPPED)) {
      removeStable(one);
    } else {
      alive++;
      if (isCandidate(one, 0) && (!found || load<i32>(frame(one), LENGTH) > load<i32>(frame(found), LENGTH))) {
        found = one;
        if (!prunes) break;
      }
    }
    one = next;
  }
  dup = found;
  if (found) {
    if (prunes && alive == 1) dissolve(chain, found);
    else toFront(chain, found);
    return found;
  }
  const any = load<u32>(frame(chain), CHAIN_OF);
  if (!any) freeChain(chain);
  else if (!load<u32>(frame(any), MAPPED)) {
    removeStable(any);
    return 0;
  }
  return any;
}

/** A chain with one frame left is that frame. */
function dissolve(chain: u32, node: u32): void {
  store<u32>(frameNodes + ((node as usize) << 4), load<u32>(frameNodes + ((chain as usize) << 4), KEY), KEY);
  replaceNode(frameNodes, group + STABLE_ROOT, chain, node);
  store<u32>(frame(node), 0, CHAIN_OF);
  store<u32>(frame(node), 0, NEXT_DUP);
  store<u32>(frame(node), 0, PREVIOUS_DUP);
  add(CHAINS, -1);
  add(DUPS, -1);
  freeFrame(chain);
  place = node;
}

/** The next search will find a frame with room for two sooner. */
function toFront(chain: u32, node: u32): void {
  if (load<u32>(frame(chain), CHAIN_OF) == node || !isCandidate(node, 1)) return;
  unlinkDup(node);
  linkDup(node, chain);
}

/**
 * Where a search goes on below a node. Which way, no processor can foretell: both are loaded, so that the compiler can choose
 * without a branch, which it does where nothing else hangs on the condition.
 */
// @ts-ignore: decorator
@inline
function childTowards(at: usize, content: u32, key: u32): u32 {
  return select<u32>(load<u32>(at, LEFT), load<u32>(at, RIGHT), content < key);
}

/** stable_tree_search: the frame that has this content and room, or 0. */
function searchStable(content: u32): u32 {
  let node = load<u32>(group, STABLE_ROOT);
  while (node) {
    const met = walkPlace(node, true);
    if (!met) {
      if (ancient) return 0;
      node = load<u32>(group, STABLE_ROOT);
      continue;
    }
    add(COMPARES, 1);
    const at = frameNodes + ((place as usize) << 4);
    const key = load<u32>(at, KEY);
    if (content == key) {
      add(EQUALS, 1);
      return dup && isCandidate(dup, 0) ? dup : 0;
    }
    node = childTowards(at, content, key);
  }
  return 0;
}

/** stable_tree_insert: a node for a new frame; 0 (2.6.36 and 3.6 only) where an equal or a stale one is in the way. */
function insertStable(content: u32): u32 {
  let parent: u32 = 0;
  let side = LEFT;
  let equal: u32 = 0;
  for (let node = load<u32>(group, STABLE_ROOT); node; ) {
    const met = walkPlace(node, false);
    if (!met) {
      if (ancient) return 0;
      parent = 0;
      node = load<u32>(group, STABLE_ROOT);
      continue;
    }
    add(COMPARES, 1);
    const key = load<u32>(frameNodes + ((place as usize) << 4), KEY);
    if (content == key) {
      add(EQUALS, 1);
      equal = place;
      break;
    }
    parent = place;
    side = content < key ? LEFT : RIGHT;
    node = load<u32>(frameNodes + ((parent as usize) << 4) + side);
  }
  if (equal && ancient) return 0;
  const node = newFrame();
  store<u32>(frameNodes + ((node as usize) << 4), content, KEY);
  if (!equal) {
    insertNode(frameNodes, group + STABLE_ROOT, node, parent, side);
    return node;
  }
  let chain = equal;
  if (!isChain(equal)) {
    chain = newFrame();
    store<u32>(frameNodes + ((chain as usize) << 4), content, KEY);
    store<i32>(frame(chain), CHAIN, LENGTH);
    store<f64>(frame(chain), now, PRUNED);
    replaceNode(frameNodes, group + STABLE_ROOT, equal, chain);
    linkDup(equal, chain);
    add(CHAINS, 1);
    add(DUPS, 1);
  }
  linkDup(node, chain);
  add(DUPS, 1);
  return node;
}

// ---- a visit

function map(p: u32, node: u32): void {
  const others = load<u32>(frame(node), MAPPED);
  store<u32>(page(p), node, FRAME);
  store<u32>(frame(node), others + 1, MAPPED);
  if (others) add(SAVED, 1);
  add(MERGES, 1);
}

/** cmp_and_merge_page */
function visit(p: u32): void {
  const at = page(p);
  const content = contentOf(p);
  const mapped = load<u32>(at, FRAME);
  if (mapped) {
    if (load<u8>(at, FLAGS) & STABLE && load<u32>(at, LISTED) == mapped) return;
  } else if (checksumFirst) {
    leaveTrees(p);
    if (!isSteady(at, content) || mergedWithZero(p, content)) return;
  } else if (ancient) {
    leaveTrees(p);
  }
  const found = searchStable(content);
  leaveTrees(p);
  if (found) {
    map(p, found);
    list(p, found);
    return;
  }
  if (!checksumFirst && (!isSteady(at, content) || (!ancient && mergedWithZero(p, content)))) return;
  searchUnstable(p, content);
}

/** Whether the content is that of the last checksum; if not, it is noted. */
function isSteady(at: usize, content: u32): bool {
  add(CHECKSUMS, 1);
  if (load<u32>(at, CHECKSUM) == content + 1) return true;
  store<u32>(at, content + 1, CHECKSUM);
  return false;
}

function mergedWithZero(p: u32, content: u32): bool {
  if (!useZeroPages || content) return false;
  setContent(p, ZERO_FRAME);
  add(ZERO_PAGES, 1);
  add(SAVED, 1);
  add(MERGES, 1);
  return true;
}

/** unstable_tree_search_insert, and the merge of two pages. */
function searchUnstable(p: u32, content: u32): void {
  const base = pageNodes;
  let parent: u32 = 0;
  let key: u32 = 0;
  let compares: u32 = 0;
  for (let node = load<u32>(group, UNSTABLE_ROOT); node; ) {
    const at = base + ((node as usize) << 4);
    key = load<u32>(at, KEY);
    // Its page is gone, or the kernel's zero page now: the search is given up.
    if (key >= ZERO_FRAME) return add(COMPARES, compares);
    compares++;
    if (key == content) {
      add(COMPARES, compares);
      add(EQUALS, 1);
      return mergeTwo(p, node, content);
    }
    parent = node;
    node = childTowards(at, content, key);
  }
  add(COMPARES, compares);
  const at = page(p);
  store<u8>(at, load<u8>(at, FLAGS) | UNSTABLE, FLAGS);
  store<u8>(at, load<u32>(group, PASS) as u8, SEQUENCE);
  insertNode(base, group + UNSTABLE_ROOT, p, parent, content < key ? LEFT : RIGHT);
  add(UNSHARED, 1);
}

/** The page being scanned becomes the frame, and the one of the tree joins it. */
function mergeTwo(p: u32, other: u32, content: u32): void {
  leaveTrees(other);
  const node = insertStable(content);
  if (!node) return;
  map(p, node);
  map(other, node);
  list(other, node);
  list(p, node);
}

// ---- the scan

/** skip_age */
function skipsOf(age: u32): u8 {
  return age <= 3 ? 1 : age <= 5 ? 2 : age <= 8 ? 4 : 8;
}

/** should_skip_rmap_item */
function isSkipped(p: u32): bool {
  if (!smartScan || load<u32>(page(p), FRAME)) return false;
  const at = page(p);
  const age = load<u8>(at, AGE);
  if (age != 255) store<u8>(at, age + 1, AGE);
  if (age < 3) return false;
  const skips = load<u8>(at, SKIPS);
  if (!skips) {
    store<u8>(at, skipsOf(age), SKIPS);
    return false;
  }
  add(SKIPPED, 1);
  store<u8>(at, skips - 1, SKIPS);
  leaveTrees(p);
  return true;
}

function itemOf(p: u32, turnAt: usize): void {
  const at = page(p);
  if (load<u8>(at, FLAGS)) return;
  store<u8>(at, HAS_ITEM, FLAGS);
  store<u8>(at, 0, AGE);
  store<u8>(at, 0, SKIPS);
  store<u32>(at, 0, CHECKSUM);
  store<u32>(turnAt, load<u32>(turnAt, ITEMS) + 1, ITEMS);
  add(ALL_ITEMS, 1);
}

function beginTurn(number: u32): void {
  store<u32>(group, number, CURSOR);
  const first = load<u32>(turn(number), FIRST_PAGE);
  store<u32>(group, first, PLACE);
  store<u32>(group, first, ITEM_PLACE);
  store<u32>(group, 0, STARTED);
}

/** scan_get_next_rmap_item: the next page to visit, 0 at the end of a pass. */
function nextPage(): u32 {
  const head = load<u32>(group, HEAD);
  let number = load<u32>(group, CURSOR);
  if (number == head) {
    store<u32>(group, 0, UNSTABLE_ROOT);
    number = load<u32>(turn(head), NEXT_TURN);
    if (number == head) return 0;
    beginTurn(number);
  }
  while (true) {
    const at = turn(number);
    const last = load<u32>(at, LAST_PAGE);
    if (load<u32>(at, MERGEABLE)) {
      store<u32>(group, 1, STARTED);
      for (let p = load<u32>(group, PLACE); p < last; p++) {
        if (contentOf(p) >= ZERO_FRAME) continue;
        freeItems(load<u32>(group, ITEM_PLACE), p, at);
        itemOf(p, at);
        store<u32>(group, p + 1, PLACE);
        store<u32>(group, p + 1, ITEM_PLACE);
        if (!isSkipped(p)) return p;
      }
    }
    freeItems(load<u32>(group, ITEM_PLACE), last, at);
    const next = load<u32>(at, NEXT_TURN);
    if (!load<u32>(group, STARTED)) unlinkTurn(number);
    if (next == head) {
      store<u32>(group, head, CURSOR);
      store<u32>(group, load<u32>(group, PASS) + 1, PASS);
      return 0;
    }
    number = next;
    beginTurn(number);
  }
}

/** ksm_do_scan: visits `most` pages of a group, fewer where the pass ends. milliseconds: the virtual clock. */
export function scanBatch(groupNumber: u32, most: u32, milliseconds: f64): u32 {
  useGroup(groupNumber);
  now = milliseconds;
  for (let done: u32 = 0; done < most; done++) {
    const p = nextPage();
    if (!p) return done;
    visit(p);
    add(SCANNED, 1);
  }
  return most;
}
