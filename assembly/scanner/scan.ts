// A visit of a page, the unstable tree, and the scan from page to page.

import { insertNode, KEY, LEFT, RIGHT } from "../rbtree";
import {
  add,
  AGE,
  ALL_ITEMS,
  ancient,
  CHECKSUM,
  checksumFirst,
  CHECKSUMS,
  COMPARES,
  contentOf,
  CURSOR,
  EQUALS,
  FIRST_PAGE,
  FLAGS,
  FRAME,
  frame,
  group,
  HAS_ITEM,
  HEAD,
  ITEM_PLACE,
  ITEMS,
  LAST_PAGE,
  LISTED,
  MAPPED,
  MERGEABLE,
  MERGES,
  NEXT_TURN,
  page,
  pageNodes,
  pages,
  PASS,
  PLACE,
  SAVED,
  SCANNED,
  SEQUENCE,
  setContent,
  SKIPPED,
  SKIPS,
  smartScan,
  STABLE,
  STARTED,
  turn,
  UNSHARED,
  UNSTABLE,
  UNSTABLE_ROOT,
  useGroup,
  useZeroPages,
  ZERO_FRAME,
  ZERO_PAGES,
} from "./records";
import { childTowards, insertStable, searchStable, setNow } from "./stable";
import { freeItems, leaveTrees, list } from "./items";
import { unlinkTurn } from "./members";

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
  setNow(milliseconds);
  for (let done: u32 = 0; done < most; done++) {
    const p = nextPage();
    if (!p) return done;
    visit(p);
    add(SCANNED, 1);
  }
  return most;
}
