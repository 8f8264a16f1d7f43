// The scanner's items: which tree a page is in, and how it leaves it.

import { eraseNode } from "../rbtree";
import {
  add,
  ALL_ITEMS,
  FIRST_ITEM,
  FLAGS,
  frame,
  group,
  ITEMS,
  LENGTH,
  LISTED,
  MAPPED,
  NEXT_ITEM,
  page,
  pageNodes,
  pages,
  PASS,
  PREVIOUS_ITEM,
  SEQUENCE,
  SHARED,
  SHARING,
  STABLE,
  UNSHARED,
  UNSTABLE,
  UNSTABLE_ROOT,
} from "./records";
import { removeStable } from "./stable";

/** remove_rmap_item_from_tree */
export function leaveTrees(p: u32): void {
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
export function list(p: u32, node: u32): void {
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
export function freeItems(from: u32, to: u32, turnAt: usize): void {
  for (let p = from; p < to && load<u32>(turnAt, ITEMS); p++) if (load<u8>(page(p), FLAGS)) freeItem(p, turnAt);
}
