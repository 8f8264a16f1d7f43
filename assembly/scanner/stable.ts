// The stable tree: frames that pages share, and chains of frames of one content.

import { eraseNode, insertNode, KEY, LEFT, replaceNode, RIGHT } from "../rbtree";
import {
  add,
  ancient,
  CHAIN,
  CHAIN_OF,
  CHAINS,
  checksumFirst,
  COMPARES,
  DUPS,
  EQUALS,
  FIRST_ITEM,
  FLAGS,
  frame,
  frameNodes,
  group,
  LENGTH,
  LISTED,
  MAPPED,
  maxSharing,
  NEXT_DUP,
  NEXT_ITEM,
  page,
  PREVIOUS_DUP,
  PRUNED,
  pruneMs,
  SHARED,
  SHARING,
  STABLE,
  STABLE_ROOT,
  STABLE_SHIFT,
} from "./records";
import { list } from "./items";

let frameEnd: u32 = 1;
let freeFrames: u32 = 0;
let now: f64 = 0;

/** The virtual clock, in milliseconds. */
export function setNow(milliseconds: f64): void {
  now = milliseconds;
}

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
export function removeStable(node: u32): void {
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
export function childTowards(at: usize, content: u32, key: u32): u32 {
  return select<u32>(load<u32>(at, LEFT), load<u32>(at, RIGHT), content < key);
}

/** stable_tree_search: the frame that has this content and room, or 0. */
export function searchStable(content: u32): u32 {
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
export function insertStable(content: u32): u32 {
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
