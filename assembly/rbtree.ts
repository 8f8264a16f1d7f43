// Red-black trees whose shapes follow those of the kernel's (lib/rbtree.c) step by step: what a search meets, and so where
// changed contents lead it, depends on them. A node is 16 bytes at base + number * 16; number 0 is none.

/** A node: u32 key, u32 left, u32 right, u32 parent * 2 + color. */
export const KEY: usize = 0;
export const LEFT: usize = 4;
export const RIGHT: usize = 8;
const LINK: usize = 12;
const RED: u32 = 0;
const BLACK: u32 = 1;

// @ts-ignore: decorator
@inline
function at(base: usize, node: u32): usize {
  return base + ((node as usize) << 4);
}

// @ts-ignore: decorator
@inline
function childOf(base: usize, node: u32, side: usize): u32 {
  return load<u32>(at(base, node) + side);
}

// @ts-ignore: decorator
@inline
function setChild(base: usize, node: u32, side: usize, child: u32): void {
  store<u32>(at(base, node) + side, child);
}

// @ts-ignore: decorator
@inline
function parentOf(base: usize, node: u32): u32 {
  return load<u32>(at(base, node), LINK) >> 1;
}

// @ts-ignore: decorator
@inline
function link(base: usize, node: u32, parent: u32, color: u32): void {
  store<u32>(at(base, node), (parent << 1) | color, LINK);
}

// @ts-ignore: decorator
@inline
function isBlack(base: usize, node: u32): bool {
  return !node || (load<u32>(at(base, node), LINK) & BLACK) != 0;
}

// @ts-ignore: decorator
@inline
function setParent(base: usize, node: u32, parent: u32): void {
  link(base, node, parent, load<u32>(at(base, node), LINK) & BLACK);
}

/** Puts `other` where `node` hung below its parent (0: at the root). */
function hangInstead(base: usize, root: usize, node: u32, other: u32, parent: u32): void {
  if (!parent) store<u32>(root, other);
  else setChild(base, parent, childOf(base, parent, LEFT) == node ? LEFT : RIGHT, other);
}

/** `upper` takes the place and the color of `lower`, which becomes its child. */
function lift(base: usize, root: usize, upper: u32, lower: u32, color: u32): void {
  const parent = parentOf(base, lower);
  store<u32>(at(base, upper), load<u32>(at(base, lower), LINK), LINK);
  link(base, lower, upper, color);
  hangInstead(base, root, lower, upper, parent);
}

/** Links a node below a parent (0: as the root) on one side, and balances the tree. */
export function insertNode(base: usize, root: usize, node: u32, parent: u32, side: usize): void {
  setChild(base, node, LEFT, 0);
  setChild(base, node, RIGHT, 0);
  link(base, node, parent, RED);
  if (parent) setChild(base, parent, side, node);
  else store<u32>(root, node);
  while (true) {
    if (!parent) return link(base, node, 0, BLACK);
    if (isBlack(base, parent)) return;
    const grand = parentOf(base, parent);
    const near: usize = childOf(base, grand, LEFT) == parent ? LEFT : RIGHT;
    const far: usize = LEFT + RIGHT - near;
    const uncle = childOf(base, grand, far);
    if (!isBlack(base, uncle)) {
      link(base, uncle, grand, BLACK);
      link(base, parent, grand, BLACK);
      node = grand;
      parent = parentOf(base, node);
      link(base, node, parent, RED);
      continue;
    }
    if (childOf(base, parent, far) == node) {
      const inner = childOf(base, node, near);
      setChild(base, parent, far, inner);
      setChild(base, node, near, parent);
      if (inner) link(base, inner, parent, BLACK);
      link(base, parent, node, RED);
      parent = node;
    }
    const inner = childOf(base, parent, far);
    setChild(base, grand, near, inner);
    setChild(base, parent, far, grand);
    if (inner) link(base, inner, grand, BLACK);
    return lift(base, root, parent, grand, RED);
  }
}

/** Takes a node out; its place goes to the next one in order where it has two children. */
export function eraseNode(base: usize, root: usize, node: u32): void {
  const left = childOf(base, node, LEFT);
  const right = childOf(base, node, RIGHT);
  const own = load<u32>(at(base, node), LINK);
  const above = own >> 1;
  if (!left || !right) {
    const child = left ? left : right;
    hangInstead(base, root, node, child, above);
    if (child) store<u32>(at(base, child), own, LINK);
    else if (own & BLACK && above) balanceAfterErase(base, root, above);
    return;
  }
  let next = right;
  let parent = right;
  let below: u32;
  if (childOf(base, next, LEFT)) {
    while (childOf(base, next, LEFT)) {
      parent = next;
      next = childOf(base, next, LEFT);
    }
    below = childOf(base, next, RIGHT);
    setChild(base, parent, LEFT, below);
    setChild(base, next, RIGHT, right);
    setParent(base, right, next);
  } else {
    below = childOf(base, next, RIGHT);
  }
  setChild(base, next, LEFT, left);
  setParent(base, left, next);
  hangInstead(base, root, node, next, above);
  const wasBlack = isBlack(base, next);
  store<u32>(at(base, next), own, LINK);
  if (below) link(base, below, parent, BLACK);
  else if (wasBlack) balanceAfterErase(base, root, parent);
}

/** Below `parent` one side has lost a black node. */
function balanceAfterErase(base: usize, root: usize, parent: u32): void {
  let node: u32 = 0;
  while (true) {
    const near: usize = childOf(base, parent, RIGHT) == node ? RIGHT : LEFT;
    const far: usize = LEFT + RIGHT - near;
    let sibling = childOf(base, parent, far);
    if (!isBlack(base, sibling)) {
      const inner = childOf(base, sibling, near);
      setChild(base, parent, far, inner);
      setChild(base, sibling, near, parent);
      link(base, inner, parent, BLACK);
      lift(base, root, sibling, parent, RED);
      sibling = inner;
    }
    let outer = childOf(base, sibling, far);
    if (isBlack(base, outer)) {
      const inner = childOf(base, sibling, near);
      if (isBlack(base, inner)) {
        link(base, sibling, parent, RED);
        if (!isBlack(base, parent)) return link(base, parent, parentOf(base, parent), BLACK);
        node = parent;
        parent = parentOf(base, node);
        if (!parent) return;
        continue;
      }
      const moved = childOf(base, inner, far);
      setChild(base, sibling, near, moved);
      setChild(base, inner, far, sibling);
      setChild(base, parent, far, inner);
      if (moved) link(base, moved, sibling, BLACK);
      outer = sibling;
      sibling = inner;
    }
    const inner = childOf(base, sibling, near);
    setChild(base, parent, far, inner);
    setChild(base, sibling, near, parent);
    link(base, outer, sibling, BLACK);
    if (inner) setParent(base, inner, parent);
    return lift(base, root, sibling, parent, BLACK);
  }
}

/** Puts a node, with the same key, in the place of another. */
export function replaceNode(base: usize, root: usize, node: u32, other: u32): void {
  const left = childOf(base, node, LEFT);
  const right = childOf(base, node, RIGHT);
  setChild(base, other, LEFT, left);
  setChild(base, other, RIGHT, right);
  store<u32>(at(base, other), load<u32>(at(base, node), LINK), LINK);
  if (left) setParent(base, left, other);
  if (right) setParent(base, right, other);
  hangInstead(base, root, node, other, parentOf(base, node));
}
