import { Instance } from "./module.js";

const PAGE_BYTES = 32;
const NODE_BYTES = 16;
const FRAME_BYTES = 32;
const TURN_BYTES = 32;
const GROUP_BYTES = 256;
const COUNTERS_AT = 32;
const PASS_WORD = 2;
const NODE_WORDS = NODE_BYTES / 4;

/** The content number of a page that is not there. */
export const ABSENT = 0xffffffff;

/** What ksmd's settings come to; see assembly/scanner.ts. */
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

/** A group's counters: as the kernel's of the same name, and what its work comes to. */
export interface ScanCounters {
  pagesScanned: number;
  fullScans: number;
  pagesShared: number;
  pagesSharing: number;
  pagesUnshared: number;
  pagesSkipped: number;
  zeroPages: number;
  stableNodeChains: number;
  stableNodeDups: number;
  /** Records of pages. */
  items: number;
  cowBreaks: number;
  checksums: number;
  compares: number;
  merges: number;
}

/**
 * The scan of pages by groups. Pages have numbers from 1, members' pages stand in a row; contents are numbers in the order
 * in which the kernel would compare them, the zero content 0. Memory: some 144 bytes a page.
 */
export class Scanner {
  private readonly instance: Instance;
  private readonly at: { pageNodes: number; groups: number };
  private turns: number;
  private readonly mostTurns: number;

  /** Room for so many pages, members (each group they are ever in counts) and groups. */
  constructor(module: WebAssembly.Module, pages: number, members: number, groups: number, rules: ScannerRules) {
    const instance = new Instance(module);
    this.instance = instance;
    const frames = pages + Math.ceil(pages / 2) + 2;
    this.mostTurns = groups + members + 1;
    const pagesAt = instance.reserve((pages + 1) * PAGE_BYTES);
    const pageNodes = instance.reserve((pages + 1) * NODE_BYTES);
    const framesAt = instance.reserve(frames * FRAME_BYTES);
    const frameNodes = instance.reserve(frames * NODE_BYTES);
    const turns = instance.reserve(this.mostTurns * TURN_BYTES);
    const groupsAt = instance.reserve(groups * GROUP_BYTES);
    this.at = { pageNodes, groups: groupsAt };
    const nodes = instance.words(pageNodes, (pages + 1) * NODE_WORDS);
    for (let page = 0; page <= pages; page++) nodes[page * NODE_WORDS] = ABSENT;
    const { exports } = instance;
    exports.layScanner(pagesAt, pageNodes, framesAt, frameNodes, turns, groupsAt);
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

  /** Registers a member whose pages are first..last; gives its number. */
  enter(first: number, last: number, group: number): number {
    if (this.turns === this.mostTurns) throw new Error("more members than the scanner was made for");
    const member = this.turns++;
    this.instance.exports.enterMember(member, first, last, group);
    return member;
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
    return this.instance.exports.scanBatch(group, most, milliseconds);
  }

  counters(group: number): ScanCounters {
    const at = this.at.groups + group * GROUP_BYTES;
    const counts = new BigUint64Array(this.instance.bytes(at + COUNTERS_AT, 13 * 8).slice().buffer);
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
    };
  }
}
