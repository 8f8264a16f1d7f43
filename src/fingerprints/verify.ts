// --verify: the bytes of every page against those of the first page with the same fingerprint.

import type { Repeats } from "../core/indexer.js";
import { PageBuffers } from "../core/page-buffers.js";
import type { DumpReader } from "../dumps/dump-reader.js";
import { unfolded } from "../dumps/folding.js";
import { SEGMENT_UNITS, UNIT_BYTES } from "../dumps/layout.js";
import { type Memory, openReader } from "../dumps/memory.js";
import { breathe } from "../system/pace.js";
import type { Block } from "./buckets.js";

/** Two pages of one fingerprint and different bytes. */
export interface Mismatch {
  pageBytes: number;
  first: { source: number; address: bigint };
  second: { source: number; address: bigint };
}

const MOST_OPEN = 64;
/** Of the largest page: a bit for each KiB. */
const PRESENT = new Uint16Array(128);

/** Reads pages again, by snapshot and address, and compares them. */
export class PageComparer {
  private readonly buffers: PageBuffers;
  private readonly readers = new Map<number, { reader: DumpReader; close(): void }>();

  constructor(
    module: WebAssembly.Module,
    private readonly memories: readonly Memory[],
    private readonly blocks: readonly Block[],
    private readonly pageBytes: number,
  ) {
    this.buffers = new PageBuffers(module, pageBytes);
  }

  /** The first mismatch among the repeats, if there is one. */
  async compare(repeats: Repeats): Promise<Mismatch | undefined> {
    const { pageBytes } = this;
    for (let i = 0; i < repeats.length; i += 4) {
      const second = await this.read(this.buffers.a, repeats[i], repeats[i + 1]);
      const first = await this.read(this.buffers.b, repeats[i + 2], repeats[i + 3]);
      if (!this.buffers.areEqual(pageBytes)) return { pageBytes, first, second };
      const turn = breathe();
      if (turn) await turn;
    }
    return undefined;
  }

  private async read(target: Uint8Array, block: number, place: number): Promise<Mismatch["first"]> {
    const { source, segment } = this.blocks[block];
    const memory = this.memories[source];
    const at = place * this.pageBytes;
    const { units, parts } = memory.layout;
    const unit = units[segment * SEGMENT_UNITS + Math.floor(at / UNIT_BYTES)];
    const address = unit + (at % UNIT_BYTES);
    (await this.readerFor(source, memory)).read(address, target, PRESENT);
    return { source, address: unfolded(parts, address) };
  }

  private async readerFor(source: number, memory: Memory): Promise<DumpReader> {
    const known = this.readers.get(source);
    if (known) return known.reader;
    if (this.readers.size === MOST_OPEN) this.close();
    const made = await openReader(memory);
    this.readers.set(source, made);
    return made.reader;
  }

  close(): void {
    for (const { close } of this.readers.values()) close();
    this.readers.clear();
  }
}
