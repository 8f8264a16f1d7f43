// The list of RAM blocks, which stands before any page: names and lengths, and what capabilities add to each.

import { quoted } from "../../../errors.js";
import type { Configuration } from "./configuration.js";
import { LatestPages, type Room } from "./latest.js";
import type { MigrationStream } from "./stream.js";

/** Where the pages of a block lie in the file, where they have fixed places (capability mapped-ram). */
export interface MappedPages {
  pageBytes: number;
  /** A bit for each page, the lowest first: 1 = it has its bytes, 0 = it is zero. */
  bitmap: number;
  /** Page i is i pages behind it. */
  pages: number;
}

export interface Block {
  name: string;
  /** Its used length. */
  bytes: number;
  latest: LatestPages;
  /** undefined: pages are records of the stream, or the block was not sent at all. */
  mapped: MappedPages | undefined;
}

/** More than any machine has; each must have its own name. */
const MOST_BLOCKS = 4096;
const MAPPED_VERSION = 1;
const LONG_BITS = 64;
const PAGE_BYTES = { least: 1024, most: 65536 };
/** A page of the host's that is larger than this processor's is at least so large. */
const LEAST_HUGE_PAGE = 8192n;
const MOST_HUGE_PAGE = 1n << 40n;

export interface BlockListSettings {
  configuration: Configuration;
  /** Whether the stream announced that it may end as postcopy. */
  postcopyAdvised: boolean;
  room: Room;
}

/** Reads blocks until their lengths make the total; each is in `blocks` as soon as it is known. */
export function readBlocks(
  stream: MigrationStream,
  total: number,
  blocks: Map<string, Block>,
  settings: BlockListSettings,
): void {
  for (let left = total; left > 0; ) {
    const at = stream.offset;
    if (blocks.size === MOST_BLOCKS) throw stream.fault(at, `there are more than ${MOST_BLOCKS} RAM blocks`);
    const name = stream.name("the name of a RAM block");
    if (blocks.has(name)) throw stream.fault(at, `a second RAM block is called ${quoted(name)}`);
    const bytes = stream.u64(`the length of RAM block ${quoted(name)}`);
    if (bytes > left) throw stream.fault(at, `RAM block ${quoted(name)} is longer than the sum of all blocks allows`);
    if (bytes % settings.configuration.pageBytes !== 0)
      throw stream.fault(at, `the length of RAM block ${quoted(name)} is not a multiple of the page size`);
    left -= bytes;
    const block: Block = { name, bytes, latest: new LatestPages(settings.room), mapped: undefined };
    readAdditions(stream, block, settings);
    blocks.set(name, block);
    if (block.mapped) stream.seek(block.mapped.pages + bytes, `the end of RAM block ${quoted(name)}`);
  }
}

function readAdditions(stream: MigrationStream, block: Block, settings: BlockListSettings): void {
  const { capabilities, pageBytes } = settings.configuration;
  // The size of a huge page stands here only if the block has some. No name is empty and no record is without a flag, so
  // what can be read as such a size is one.
  if (settings.postcopyAdvised && isHugePageSize(stream.peekU64())) stream.u64("the page size of a RAM block");
  if (capabilities.has("x-ignore-shared")) stream.skip(8, "the address of a RAM block");
  if (capabilities.has("mapped-ram")) block.mapped = readMapped(stream, block, pageBytes);
}

function isHugePageSize(number: bigint | undefined): boolean {
  if (number === undefined || number < LEAST_HUGE_PAGE || number > MOST_HUGE_PAGE) return false;
  return (number & (number - 1n)) === 0n;
}

function readMapped(stream: MigrationStream, block: Block, pageBytes: number): MappedPages | undefined {
  const at = stream.offset;
  const version = stream.u32("the header of a mapped RAM block");
  if (version !== MAPPED_VERSION)
    throw stream.fault(at, `RAM block ${quoted(block.name)} has a mapped-ram header of version ${version}`);
  const page = stream.u64("the page size of a mapped RAM block");
  const offsets = [stream.u64("the offset of a bitmap"), stream.u64("the offset of a block's pages")];
  // A block that was not sent, as its memory is shared.
  if (offsets.every((offset) => offset === 0)) return undefined;
  // QEMU counts from the beginning of the file, where another header may stand.
  const [bitmap, pages] = offsets.map((offset) => offset - stream.file.start);
  if (page < Math.max(PAGE_BYTES.least, pageBytes) || page > PAGE_BYTES.most || block.bytes % page !== 0)
    throw stream.fault(at + 4, `RAM block ${quoted(block.name)} cannot have pages of ${page} bytes`);
  // Both lie behind the header, one after the other; so the list cannot lead backwards.
  const bitmapBytes = 8 * Math.ceil(block.bytes / page / LONG_BITS);
  if (bitmap < stream.offset || bitmap + bitmapBytes > pages)
    throw stream.fault(at + 12, `RAM block ${quoted(block.name)} has its bitmap where it cannot be`);
  if (!Number.isSafeInteger(pages + block.bytes))
    throw stream.fault(at + 20, `RAM block ${quoted(block.name)} has its pages where they cannot be`);
  return { pageBytes: page, bitmap, pages };
}
