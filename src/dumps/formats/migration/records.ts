// The records of the section "ram": a word of address and flags, then what the flags say.

import type { PagekinError } from "../../../errors.js";
import { quoted } from "../../../errors.js";
import { breathe } from "../../../system/pace.js";
import { type Block, type BlockListSettings, readBlocks } from "./blocks.js";
import { filledWith } from "./latest.js";
import type { MigrationStream } from "./stream.js";

const FLAG = {
  zero: 0x02,
  blocks: 0x04,
  page: 0x08,
  end: 0x10,
  /** The record belongs to the same block as the last one, and has no name. */
  same: 0x20,
  xbzrle: 0x40,
  hook: 0x80,
  compressed: 0x100,
  multifdFlush: 0x200,
} as const;

/** Ways of sending whose pages cannot be had from the file alone. */
const REFUSED: Record<number, [what: string, hint: string]> = {
  [FLAG.xbzrle]: ["a page is sent as XBZRLE, the difference from an earlier one", "turn the capability xbzrle off"],
  [FLAG.hook]: ["pages were sent by RDMA, outside the stream", "migrate to a file instead"],
  [FLAG.multifdFlush]: ["pages were sent by multifd, outside this stream", "turn the capability multifd off"],
};

const TWO_32 = 2 ** 32;
/** zlib never makes a page larger by more than this. */
const mostPacked = (pageBytes: number) => pageBytes + (pageBytes >> 3) + 64;
const BREATHE_AFTER = 4096;

export class RamReader {
  readonly blocks = new Map<string, Block>();
  /** Where the list of blocks is. */
  listAt = 0;
  /** The block of the last record, to which the next one may refer. */
  current: Block | undefined;
  private readonly pageBytes: number;
  private readonly mapped: boolean;

  /** keepsPages: whether it takes down which pages there are, or only finds the ends of sections. */
  constructor(
    private readonly stream: MigrationStream,
    private readonly settings: BlockListSettings,
    private readonly keepsPages: boolean,
  ) {
    this.pageBytes = settings.configuration.pageBytes;
    this.mapped = settings.configuration.capabilities.has("mapped-ram");
  }

  /** Reads the records of one section, to the one that ends it. */
  async readSection(): Promise<void> {
    for (let count = 1; this.readRecord(); count++) if (count % BREATHE_AFTER === 0) await breathe();
  }

  /** Reads a record; false: it was the last one of the section. */
  private readRecord(): boolean {
    const { stream, pageBytes } = this;
    const at = stream.offset;
    const upper = stream.u32("a record of the RAM section");
    const lower = stream.u32("a record of the RAM section");
    const all = lower % pageBytes;
    const flags = all & ~FLAG.same;
    // Beyond 2^53 the sum is not exact, and larger than any block all the same.
    const address = upper * TWO_32 + (lower - all);
    if (flags === FLAG.page) this.readPage(at, address, all);
    else if (flags === FLAG.zero) this.readFilled(at, address, all);
    else if (flags === FLAG.compressed) this.readPacked(at, address, all);
    else if (all === FLAG.blocks) this.readList(at, address);
    else if (all === FLAG.end && address === 0) return false;
    else if (all !== FLAG.multifdFlush || !this.mapped) throw this.refused(at, flags);
    return true;
  }

  private readPage(at: number, address: number, flags: number): void {
    const block = this.blockOf(at, address, flags);
    const place = this.stream.offset;
    this.stream.skip(this.pageBytes, "the bytes of a page");
    this.put(block, address, place, 0, at);
  }

  private readFilled(at: number, address: number, flags: number): void {
    const block = this.blockOf(at, address, flags);
    const fill = this.stream.u8("the byte that fills a page");
    this.put(block, address, filledWith(fill), 0, at);
  }

  private readPacked(at: number, address: number, flags: number): void {
    const block = this.blockOf(at, address, flags);
    const packed = this.stream.u32("the length of a compressed page");
    if (packed === 0 || packed > mostPacked(this.pageBytes))
      throw this.stream.fault(at, `a page of ${this.pageBytes} bytes cannot be compressed to ${packed}`);
    const place = this.stream.offset;
    this.stream.skip(packed, "the bytes of a compressed page");
    this.put(block, address, place, packed, at);
  }

  private put({ latest }: Block, address: number, place: number, packed: number, at: number): void {
    if (this.keepsPages) latest.put(address / this.pageBytes, place, packed, at);
  }

  /** The block that a record is of; the record's address must be in it. */
  private blockOf(at: number, address: number, flags: number): Block {
    if (this.mapped) throw this.stream.fault(at, "a page stands in the stream, though the capability is mapped-ram");
    if (flags & FLAG.same) {
      if (!this.current) throw this.stream.fault(at, "the first record says that it is of the same block as the last");
    } else this.current = this.named(this.stream.name("the name of a page's RAM block"), at);
    if (address > this.current.bytes - this.pageBytes)
      throw this.stream.fault(
        at,
        `page 0x${address.toString(16)} is behind the end of RAM block ${quoted(this.current.name)}`,
      );
    return this.current;
  }

  private named(name: string, at: number): Block {
    const block = this.blocks.get(name);
    if (!block) throw this.stream.fault(at, `a page is of RAM block ${quoted(name)}, which is not listed`);
    return block;
  }

  private readList(at: number, total: number): void {
    if (this.blocks.size > 0) throw this.stream.fault(at, "the RAM blocks are listed twice");
    this.listAt = at;
    readBlocks(this.stream, total, this.blocks, this.settings);
  }

  private refused(at: number, flags: number): PagekinError {
    const [what, hint] = REFUSED[flags] ?? [`a record of the RAM section has unknown flags 0x${flags.toString(16)}`];
    return this.stream.fault(at, what, hint && `${hint}, then take the dump again`);
  }
}
