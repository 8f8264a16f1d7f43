// Groups and members: who is scanned with whom, and what writes, drops and exits do to pages.

import {
  ABSENT,
  add,
  BREAKS,
  contentOf,
  CURSOR,
  FIRST_PAGE,
  FLAGS,
  FRAME,
  frame,
  frames,
  GROUP,
  group,
  GROUP_SHIFT,
  HEAD,
  ITEM_PLACE,
  ITEMS,
  LAST_PAGE,
  LENGTH,
  LISTED,
  MAPPED,
  MERGEABLE,
  NEXT_TURN,
  page,
  pages,
  PREVIOUS_TURN,
  SAVED,
  setContent,
  STABLE,
  STARTED,
  turn,
  useGroup,
  ZERO_FRAME,
  ZERO_PAGES,
} from "./records";
import { list } from "./items";

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

export function unlinkTurn(number: u32): void {
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

/** Whether a group's list has no member, nor one that has ended and left something for the scan. */
export function isEmpty(number: u32): bool {
  useGroup(number);
  const head = load<u32>(group, HEAD);
  return load<u32>(turn(head), NEXT_TURN) == head;
}
