// Hashing the bytes of a dump, segment after segment.

import { closeSync, openSync } from "node:fs";
import { CHUNK_BYTES, type Hasher, SEGMENT_BYTES } from "../core/hasher.js";
import { decodersFor } from "../dumps/codecs.js";
import { DumpFile } from "../dumps/dump-file.js";
import { DumpReader } from "../dumps/dump-reader.js";
import { type Layout, type Run, runsOf, SEGMENT_UNITS, UNIT_BYTES } from "../dumps/layout.js";
import type { LedgerCounts } from "../dumps/ledger.js";
import { nameOfRead, type Opened, rawBytesOf } from "../sources/open.js";
import { breathe } from "../system/pace.js";

const LEDGER_PAGE = 4096;

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

/** A plain dump, opened to be read by address. */
export async function readerOf(opened: Opened & { layout: Layout }): Promise<{ reader: DumpReader; close(): void }> {
  const decoders = await decodersFor(opened.layout.extents);
  const fd = opened.fd ?? openSync(opened.name.path, "r");
  const file = new DumpFile(nameOfRead(opened), fd, opened.fileBytes);
  return {
    reader: new DumpReader(file, opened.layout, decoders),
    close: () => {
      if (opened.fd === undefined) closeSync(fd);
    },
  };
}

/** Reads until the target is full. */
export function readWhole(fd: number, target: Uint8Array, offset: number, file: string): void {
  new DumpFile(file, fd, offset + target.length).readInto(target, offset);
}

/** How many segments a dump has. */
export const segmentsOf = ({ units }: Layout): number => Math.ceil(units.length / SEGMENT_UNITS);

/** Hashes a segment of a dump that can be read at any place. */
export async function hashSegment(
  opened: Opened & { layout: Layout },
  segment: number,
  hasher: Hasher,
  { onBytes, onSegment }: Pick<HashHooks, "onBytes" | "onSegment">,
): Promise<void> {
  const { layout } = opened;
  const { reader, close } = await readerOf(opened);
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

/** Hashes a compressed raw dump or a pipe from front to back. */
export async function hashStream(
  opened: Opened,
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
  for await (const chunk of rawBytesOf(opened, onNote)) {
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
  const [wholeBytes, zeroBytes] = [ledgerPages * LEDGER_PAGE, zeroLedgerPages * LEDGER_PAGE];
  return { segment, pages, zeroPages, bytes, wholeBytes, zeroBytes, runs };
}

/** Hashes all of a dump, segment after segment. */
export async function hashSource(opened: Opened, hasher: Hasher, hooks: HashHooks): Promise<void> {
  const { layout } = opened;
  if (!layout) return hashStream(opened, hasher, hooks);
  const plain = { ...opened, layout };
  for (let segment = 0; segment < segmentsOf(layout); segment++) await hashSegment(plain, segment, hasher, hooks);
}
