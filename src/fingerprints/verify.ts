// --verify: the bytes of every page against those of the first page with the same fingerprint.

import { closeSync, openSync } from "node:fs";
import { PageBuffers } from "../core/compare.js";
import { SEGMENT_BYTES } from "../core/hasher.js";
import type { Repeats } from "../core/indexer.js";
import { breathe } from "../pace.js";
import { displayName, type Opened } from "../sources/open.js";
import type { Block } from "./buckets.js";
import { readWhole } from "./hash.js";

/** Two pages of one fingerprint and different bytes. */
export interface Mismatch {
  pageBytes: number;
  first: { source: number; address: number };
  second: { source: number; address: number };
}

const MOST_OPEN = 64;

/** Reads pages again, by source and address, and compares them. Sources are plain files. */
export class PageComparer {
  private readonly buffers: PageBuffers;
  private readonly fds: (number | undefined)[];
  private opened = 0;

  constructor(
    module: WebAssembly.Module,
    private readonly sources: readonly Opened[],
    private readonly blocks: readonly Block[],
    private readonly pageBytes: number,
  ) {
    this.buffers = new PageBuffers(module, pageBytes);
    this.fds = sources.map(({ fd }) => fd);
  }

  /** The first mismatch among the repeats, if there is one. */
  async compare(repeats: Repeats): Promise<Mismatch | undefined> {
    const { pageBytes } = this;
    for (let i = 0; i < repeats.length; i += 4) {
      const second = this.read(this.buffers.a, repeats[i], repeats[i + 1]);
      const first = this.read(this.buffers.b, repeats[i + 2], repeats[i + 3]);
      if (!this.buffers.areEqual(pageBytes)) return { pageBytes, first, second };
      const turn = breathe();
      if (turn) await turn;
    }
    return undefined;
  }

  private read(target: Uint8Array, block: number, place: number): Mismatch["first"] {
    const { source, segment } = this.blocks[block];
    const address = segment * SEGMENT_BYTES + place * this.pageBytes;
    const { name } = this.sources[source];
    if (this.fds[source] === undefined) {
      if (++this.opened > MOST_OPEN) this.close();
      this.fds[source] = openSync(name.path, "r");
    }
    readWhole(this.fds[source], target, address, displayName(name));
    return { source, address };
  }

  close(): void {
    this.fds.forEach((fd, i) => {
      if (fd === undefined || this.sources[i].fd !== undefined) return;
      closeSync(fd);
      this.fds[i] = undefined;
    });
    this.opened = 0;
  }
}
