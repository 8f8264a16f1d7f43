// ksmd in a still world, from the rules of mm/ksm.c (Linux 2.6.36, 3.6, 6.1, 6.12): no trees, but a map by content, which
// comes to the same as long as no page changes. Nothing here is fast, nothing is shared with pagekin.

import type { Pages } from "./scenario.js";

export interface NaiveRules {
  rules: "linux-2.6.36" | "linux-3.6" | "linux-6.1" | "linux-6.11";
  maxPageSharing: number;
  useZeroPages: boolean;
  smartScan: boolean;
}

interface Item {
  content: number;
  seen: boolean;
  age: number;
  skips: number;
  tree: "none" | "unstable" | "stable";
}

interface Slot {
  /** By page. */
  pages: { content: number | null; onZeroFrame: boolean; item: Item | undefined }[];
}

export class NaiveKsmd {
  private readonly slots: Slot[] = [];
  /** The same in the order of their coming. */
  private readonly entered: Slot[] = [];
  /** undefined: between two passes. */
  private cursor: { slot: Slot; page: number } | undefined;
  /** By content the items listed under each of its frames. */
  private readonly frames = new Map<number, number[]>();
  private readonly waiting = new Map<number, Item>();
  private scanned = 0;
  private passes = 0;
  private skipped = 0;
  private checksums = 0;

  constructor(private readonly rules: NaiveRules) {}

  /** A newcomer stands just before the member under the cursor, or at the end. */
  enter(pages: Pages): void {
    const slot = { pages: pages.map((content) => ({ content, onZeroFrame: false, item: undefined })) };
    const at = this.cursor ? this.slots.indexOf(this.cursor.slot) : this.slots.length;
    this.slots.splice(at, 0, slot);
    this.entered.push(slot);
  }

  batch(pagesToScan: number): void {
    for (let visits = 0; visits < pagesToScan; visits++) {
      const page = this.nextPage();
      if (!page) return;
      this.visit(page);
      this.scanned++;
    }
  }

  private nextPage(): Slot["pages"][number] | undefined {
    if (this.slots.length === 0) return undefined;
    if (!this.cursor) {
      this.waiting.clear();
      this.cursor = { slot: this.slots[0], page: 0 };
    }
    while (true) {
      const { slot }: { slot: Slot } = this.cursor;
      while (this.cursor.page < slot.pages.length) {
        const page = slot.pages[this.cursor.page++];
        if (page.content === null || page.onZeroFrame) {
          page.item = undefined;
          continue;
        }
        page.item ??= { content: page.content, seen: false, age: 0, skips: 0, tree: "none" };
        if (!this.isSkipped(page.item)) return page;
      }
      const next: Slot | undefined = this.slots[this.slots.indexOf(slot) + 1];
      if (!next) {
        this.cursor = undefined;
        this.passes++;
        return undefined;
      }
      this.cursor = { slot: next, page: 0 };
    }
  }

  private isSkipped(item: Item): boolean {
    if (!this.rules.smartScan || item.tree === "stable") return false;
    const { age } = item;
    item.age = Math.min(255, age + 1);
    if (age < 3) return false;
    if (item.skips === 0) {
      item.skips = age <= 3 ? 1 : age <= 5 ? 2 : age <= 8 ? 4 : 8;
      return false;
    }
    item.skips--;
    this.skipped++;
    item.tree = "none";
    return true;
  }

  private visit(page: Slot["pages"][number]): void {
    const { item } = page;
    if (!item || item.tree === "stable") return;
    item.tree = "none";
    const checksumFirst = this.rules.rules === "linux-6.11";
    if (!checksumFirst && this.joinsFrame(item)) return;
    this.checksums++;
    // In a still world the checksum differs at the first sight alone.
    if (!item.seen) {
      item.seen = true;
      return;
    }
    if (this.rules.useZeroPages && item.content === 0) {
      page.onZeroFrame = true;
      return;
    }
    if (checksumFirst && this.joinsFrame(item)) return;
    const other = this.waiting.get(item.content);
    if (!other) {
      this.waiting.set(item.content, item);
      item.tree = "unstable";
      return;
    }
    this.waiting.delete(item.content);
    this.frames.set(item.content, [...(this.frames.get(item.content) ?? []), 2]);
    item.tree = "stable";
    other.tree = "stable";
  }

  private joinsFrame(item: Item): boolean {
    const frames = this.frames.get(item.content) ?? [];
    const { rules, maxPageSharing } = this.rules;
    const isUnlimited = rules === "linux-3.6" || rules === "linux-2.6.36";
    const frame = frames.findIndex((listed) => isUnlimited || listed < maxPageSharing);
    if (frame < 0) return false;
    frames[frame]++;
    item.tree = "stable";
    return true;
  }

  /** By member in the order of their coming its part of what is saved, if no content has several frames: (k - 1) / k for k pages of one. */
  entitlements(): { over: number; under: number }[][] {
    return this.entered.map(({ pages }) =>
      pages.flatMap(({ item, onZeroFrame }) => {
        if (onZeroFrame) return [{ over: 1, under: 1 }];
        if (item?.tree !== "stable") return [];
        const [pagesOfFrame] = this.frames.get(item.content) ?? [];
        return [{ over: pagesOfFrame - 1, under: pagesOfFrame }];
      }),
    );
  }

  /** By the names of samples.csv. */
  counters() {
    const pages = this.slots.flatMap((slot) => slot.pages);
    const items = pages.flatMap(({ item }) => (item ? [item] : []));
    const inTree = (tree: Item["tree"]) => items.filter((item) => item.tree === tree).length;
    const shared = [...this.frames.values()].flat().length;
    const chains = [...this.frames.values()].filter((frames) => frames.length > 1);
    const zeros = pages.filter((page) => page.onZeroFrame).length;
    const sharing = inTree("stable") - shared;
    return {
      pages_scanned: this.scanned,
      full_scans: this.passes,
      pages_shared: shared,
      pages_sharing: sharing,
      pages_unshared: inTree("unstable"),
      pages_volatile: inTree("none"),
      pages_skipped: this.skipped,
      ksm_zero_pages: zeros,
      stable_node_chains: chains.length,
      stable_node_dups: chains.flat().length,
      general_profit: (sharing + zeros) * 4096 - items.length * 64,
      // A frame's first page is merged as well.
      merges: inTree("stable") + zeros,
      checksums: this.checksums,
      metadata_bytes: items.length * 64 + (shared + chains.length) * 64 + this.slots.length * 48,
    };
  }
}
