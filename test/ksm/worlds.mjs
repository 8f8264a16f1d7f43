// The worlds that are recorded and replayed: members, settings, and what happens between the batches. The same from the same seed.

import { createHash } from "node:crypto";

const ZERO = "0".repeat(32);
const MEMBER_PAGES = 2500;

/** Numbers from 0 to below `end`, from Marsaglia's xorshift32. */
function numbersFrom(seed) {
  let x = Math.imul(seed, 0x9e3779b1) || 1;
  return (end) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % end;
  };
}

/** The first 16 bytes of a page, which fill it: pages compare as their fingerprints do. */
const contentOf = (name) => createHash("sha256").update(name).digest("hex").slice(0, ZERO.length);

/** Gives contents of pages: zero, one that is everywhere, of a pool of all, of a pool of one's own, and unique ones. */
function contentsFrom(below) {
  let unique = 0;
  return (member) => {
    const kind = below(20);
    if (kind < 2) return ZERO;
    if (kind === 2) return contentOf("everywhere");
    if (kind < 8) return contentOf(`all ${below(700)}`);
    if (kind < 11) return contentOf(`${member} ${below(150)}`);
    return contentOf(`unique ${unique++}`);
  };
}

function membersFrom(names, content) {
  return Object.fromEntries(names.map((name) => [name, Array.from({ length: MEMBER_PAGES }, () => content(name))]));
}

/** Nothing happens; after some passes nothing changes any more. */
function stillWorld(name, seed, settings, passes) {
  const below = numbersFrom(seed);
  const start = ["a", "b", "c"];
  const members = membersFrom(start, contentsFrom(below));
  const batches = passes * (Math.floor((start.length * MEMBER_PAGES) / settings.pages_to_scan) + 1);
  return { name, members, start, settings, steps: Array(batches).fill("batch") };
}

/** Pages are written and dropped; a member enters late, one exits, one takes its pages out of sharing. */
function changingWorld(name, seed, settings, batches) {
  const below = numbersFrom(seed);
  const content = contentsFrom(below);
  const start = ["a", "b", "c"];
  const members = membersFrom([...start, "d"], content);
  const now = Object.fromEntries(Object.entries(members).map(([member, pages]) => [member, [...pages]]));
  const alive = new Set(start);
  const once = new Map([
    [Math.floor(batches * 0.3), { op: "enter", member: "d" }],
    [Math.floor(batches * 0.5), { op: "exit", member: "b" }],
    [Math.floor(batches * 0.7), { op: "unmerge", member: "c" }],
  ]);
  const steps = [];
  for (let batch = 0; batch < batches; batch++) {
    steps.push("batch");
    const single = once.get(batch);
    if (single) {
      if (single.op === "enter") alive.add(single.member);
      if (single.op === "exit") alive.delete(single.member);
      steps.push([single]);
    } else if (below(5) === 0) {
      steps.push(Array.from({ length: 1 + below(3) }, change));
    }
  }
  return { name, members, start, settings, steps };

  function change() {
    const member = [...alive][below(alive.size)];
    if (below(4) === 0) {
      const count = 1 + below(30);
      return { op: "drop", member, start: below(MEMBER_PAGES - count), count };
    }
    const pages = [...new Set(Array.from({ length: 1 + below(40) }, () => below(MEMBER_PAGES)))];
    // A third get the content that they have, or had before they were dropped.
    for (const page of pages) if (below(3) > 0) now[member][page] = content(member);
    return { op: "write", member, pages, contents: pages.map((page) => now[member][page]) };
  }
}

/** The prune times are always or never, so that no clock enters. */
export function worldsFrom(seed) {
  return [
    stillWorld(
      "still",
      seed,
      {
        pages_to_scan: 150,
        max_page_sharing: 256,
        use_zero_pages: 0,
        smart_scan: 0,
        stable_node_chains_prune_millisecs: 0,
      },
      5,
    ),
    changingWorld(
      "changing",
      seed + 1,
      {
        pages_to_scan: 120,
        max_page_sharing: 5,
        use_zero_pages: 1,
        smart_scan: 1,
        stable_node_chains_prune_millisecs: 2_000_000_000,
      },
      600,
    ),
    changingWorld(
      "changing, without smart_scan",
      seed + 2,
      {
        pages_to_scan: 170,
        max_page_sharing: 40,
        use_zero_pages: 0,
        smart_scan: 0,
        stable_node_chains_prune_millisecs: 0,
      },
      400,
    ),
  ];
}
