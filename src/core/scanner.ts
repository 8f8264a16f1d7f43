import type { ScanCounters } from "./counts.js";
import { Instance } from "./module.js";

const PAGE_BYTES = 32;
const NODE_BYTES = 16;
const FRAME_BYTES = 32;
const TURN_BYTES = 32;
const GROUP_BYTES = 256;
const COUNTERS_AT = 32;
const COUNTERS = 15;
const PASS_WORD = 2;
const NODE_WORDS = NODE_BYTES / 4;

/** The content number of a page that is not there. */
export const ABSENT = 0xffffffff;

/** What ksmd's settings come to; see assembly/scanner/records.ts. */
export interface ScannerRules {
  /** The checksum is compared before the stable tree is searched (6.11 and later). */
  checksumFirst: boolean;
  /** 2.6.36 and 3.6: neither zero pages nor chains, nor a limit of sharing. */
  ancient: boolean;
  maxPageSharing: number;
  useZeroPages: boolean;
  smartScan: boolean;
  chainsPruneMillisecs: number;
}

/**
 * The scan of pages by groups. Pages have numbers from 1, members' pages stand in a row; contents are numbers in the order
 * in which the kernel would compare them, the zero content 0. Memory: some 144 bytes a page.
 */
export class Scanner {
  private readonly instance: Instance;
  private at = { pages: 0, pageNodes: 0, frames: 0, frameNodes: 0, turns: 0, groups: 0 };
  private room = { pages: 0, frames: 0, turns: 0 };
  private turns: number;

  /** Room for so many groups, and at first for so many pages and members; there may be more of these later. */
  constructor(
    module: WebAssembly.Module,
    pages: number,
    members: number,
    private readonly groups: number,
    rules: ScannerRules,
  ) {
    this.instance = new Instance(module);
    this.makeRoom(pages, groups + members);
    const { exports } = this.instance;
    exports.setRules(
      rules.checksumFirst ? 1 : 0,
      rules.ancient ? 1 : 0,
      rules.maxPageSharing,
      rules.useZeroPages ? 1 : 0,
      rules.smartScan ? 1 : 0,
      rules.chainsPruneMillisecs,
    );
    this.turns = 1;
    for (let group = 0; group < groups; group++) exports.startGroup(group, this.turns++);
  }

  /** Room for so many pages (number 0 is none) and turns; what is there keeps its numbers. */
  private makeRoom(pages: number, turns: number): void {
    const { instance, at, room, groups } = this;
    const frames = pages + Math.ceil(pages / 2) + 2;
    const moved = (from: number, old: number, now: number, bytes: number) => {
      const to = instance.reserve(now * bytes);
      instance.move(from, to, old * bytes);
      return to;
    };
    this.room = { pages: pages + 1, frames, turns: turns + 1 };
    this.at = {
      pages: moved(at.pages, room.pages, pages + 1, PAGE_BYTES),
      pageNodes: moved(at.pageNodes, room.pages, pages + 1, NODE_BYTES),
      frames: moved(at.frames, room.frames, frames, FRAME_BYTES),
      frameNodes: moved(at.frameNodes, room.frames, frames, NODE_BYTES),
      turns: moved(at.turns, room.turns, turns + 1, TURN_BYTES),
      groups: moved(at.groups, room.pages > 0 ? groups : 0, groups, GROUP_BYTES),
    };
    const nodes = instance.words(this.at.pageNodes, (pages + 1) * NODE_WORDS);
    for (let page = room.pages; page <= pages; page++) nodes[page * NODE_WORDS] = ABSENT;
    const { pages: pagesAt, pageNodes, frames: framesAt, frameNodes, turns: turnsAt, groups: groupsAt } = this.at;
    instance.exports.layScanner(pagesAt, pageNodes, framesAt, frameNodes, turnsAt, groupsAt);
  }

  /** Makes sure that there are pages up to a number, by doubling. */
  reservePages(last: number): void {
    const { pages, turns } = this.room;
    if (last >= pages) this.makeRoom(Math.max(last, 2 * pages), turns - 1);
  }

  /** Registers a member whose pages are first..last-1, under a number that `isGone` (0: a new one); gives its number. */
  enter(first: number, last: number, group: number, again = 0): number {
    const { pages, turns } = this.room;
    if (again === 0 && this.turns === turns) this.makeRoom(pages - 1, 2 * turns);
    const member = again || this.turns++;
    this.instance.exports.enterMember(member, first, last, group);
    return member;
  }

  /** A member's part of what its group has reclaimed, in pages; see shareOf in assembly/scanner/members.ts. */
  shareOf(member: number): number {
    return this.instance.exports.shareOf(member);
  }

  /** Whether the scan has come by after a member's exit or unmerging: its pages may be used again. */
  isGone(member: number): boolean {
    return this.instance.exports.isGone(member) !== 0;
  }

  /** Whether the scan has nothing to do in a group. */
  isEmpty(group: number): boolean {
    return this.instance.exports.isEmpty(group) !== 0;
  }

  exit(member: number): void {
    this.instance.exports.exitMember(member);
  }

  unmerge(member: number): void {
    this.instance.exports.unmergeMember(member);
  }

  write(page: number, content: number, group: number): void {
    this.instance.exports.writePage(page, content, group);
  }

  drop(page: number, group: number): void {
    this.instance.exports.dropPage(page, group);
  }

  /** Visits `most` pages of a group, fewer where its pass ends; gives how many. milliseconds: the virtual clock. */
  batch(group: number, most: number, milliseconds: number): number {
    // The core counts in 32 bits, and no pass has as many pages.
    return this.instance.exports.scanBatch(group, Math.min(most, 2 ** 32 - 1), milliseconds);
  }

  counters(group: number): ScanCounters {
    const at = this.at.groups + group * GROUP_BYTES;
    const counts = new BigUint64Array(this.instance.bytes(at + COUNTERS_AT, COUNTERS * 8).slice().buffer);
    const [
      scanned,
      shared,
      sharing,
      unshared,
      skipped,
      zeros,
      chains,
      dups,
      items,
      breaks,
      checksums,
      compares,
      merges,
      equals,
      savedFrames,
    ] = Array.from(counts, Number);
    return {
      pagesScanned: scanned,
      fullScans: this.instance.words(at, PASS_WORD + 1)[PASS_WORD],
      pagesShared: shared,
      pagesSharing: sharing,
      pagesUnshared: unshared,
      pagesSkipped: skipped,
      zeroPages: zeros,
      stableNodeChains: chains,
      stableNodeDups: dups,
      items,
      cowBreaks: breaks,
      checksums,
      compares,
      merges,
      equals,
      savedFrames,
    };
  }
}
