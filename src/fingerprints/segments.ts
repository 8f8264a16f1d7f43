// Hashing the bytes of a dump or of live memory, segment after segment.

import { BASE_PAGE_BYTES, CHUNK_BYTES, type Hasher, SEGMENT_BYTES } from "../core/hasher.js";
import { type Layout, type Run, runsOf, SEGMENT_UNITS, UNIT_BYTES } from "../dumps/layout.js";
import type { LedgerCounts } from "../dumps/ledger.js";
import { type Memory, openReader } from "../dumps/memory.js";
import type { Hashable } from "../sources/open-dump.js";
import { rawBytesOf, type Source } from "../sources/source.js";
import { breathe } from "../system/pace.js";

/** A segment whose fingerprints are in the hasher. Arrays go by page size. */
export interface SegmentEnd extends LedgerCounts {
  segment: number;
  pages: number[];
  zeroPages: number[];
  /** What of it is there. */
  runs(): Run[];
}

export interface HashHooks {
  onBytes(bytes: number): void;
  onSegment(end: SegmentEnd): void;
  /** What is known of a stream only when all of it was read. */
  onNote(note: string): void;
}

/** How many segments a dump has. */
export const segmentsOf = ({ units }: Layout): number => Math.ceil(units.length / SEGMENT_UNITS);

/** Hashes a segment of memory that can be read by address. */
export async function hashSegment(
  memory: Memory,
  segment: number,
  hasher: Hasher,
  { onBytes, onSegment }: Omit<HashHooks, "onNote">,
): Promise<void> {
  const { layout } = memory;
  const { reader, close } = await openReader(memory);
  let bytes = 0;
  try {
    hasher.begin();
    for (const unit of layout.units.subarray(segment * SEGMENT_UNITS, (segment + 1) * SEGMENT_UNITS)) {
      for (let at = 0; at < UNIT_BYTES; at += CHUNK_BYTES) {
        const there = reader.read(unit + at, hasher.input, hasher.present);
        if (there === "all") hasher.hash(CHUNK_BYTES);
        else if (there === "some") hasher.hashPresent();
        else hasher.skip();
        bytes += reader.bytesRead;
        onBytes(reader.bytesRead);
        const turn = breathe();
        if (turn) await turn;
      }
    }
  } finally {
    close();
  }
  onSegment(endOf(segment, bytes, hasher, () => runsOf(layout, segment)));
}

/** Hashes a raw dump that is compressed or comes through a pipe, from front to back. */
export async function hashStream(
  source: Source,
  hasher: Hasher,
  { onBytes, onSegment, onNote }: HashHooks,
): Promise<void> {
  let segment = 0;
  let inSegment = 0;
  let filled = 0;
  const end = () => {
    const [number, bytes] = [segment++, inSegment + filled];
    onSegment(endOf(number, bytes, hasher, () => [{ address: number * SEGMENT_BYTES, at: 0, bytes }]));
  };
  hasher.begin();
  for await (const chunk of rawBytesOf(source, onNote)) {
    for (let at = 0; at < chunk.length; ) {
      const bytes = Math.min(chunk.length - at, CHUNK_BYTES - filled);
      hasher.input.set(chunk.subarray(at, at + bytes), filled);
      at += bytes;
      filled += bytes;
      if (filled < CHUNK_BYTES) break;
      hasher.hash(filled);
      inSegment += filled;
      filled = 0;
      if (inSegment === SEGMENT_BYTES) {
        end();
        hasher.begin();
        inSegment = 0;
      }
    }
    onBytes(chunk.length);
    const turn = breathe();
    if (turn) await turn;
  }
  hasher.hash(filled - (filled % 1024));
  end();
}

function endOf(segment: number, bytes: number, hasher: Hasher, runs: () => Run[]): SegmentEnd {
  const { pages, zeroPages, ledgerPages, zeroLedgerPages } = hasher.counts();
  const [wholeBytes, zeroBytes] = [ledgerPages * BASE_PAGE_BYTES, zeroLedgerPages * BASE_PAGE_BYTES];
  return { segment, pages, zeroPages, bytes, wholeBytes, zeroBytes, runs };
}

/** Hashes all of it, segment after segment. */
export async function hashAll(input: Hashable, hasher: Hasher, hooks: HashHooks): Promise<void> {
  if ("stream" in input) return hashStream(input.stream, hasher, hooks);
  const { memory } = input;
  const segments = segmentsOf(memory.layout);
  for (let segment = 0; segment < segments; segment++) await hashSegment(memory, segment, hasher, hooks);
}
