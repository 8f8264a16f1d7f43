import { type Parts, unfolded } from "../dumps/folding.js";
import type { Run } from "../dumps/layout.js";
import { bytesOf, deltas, dictionaryOf, flags, int64, sameIndex } from "../parquet/encode.js";
import { CONVERTED, type Column, type Page, ParquetWriter, TYPE } from "../parquet/write.js";
import { FINGERPRINT_BYTES, type TraceHead } from "./rows.js";

const ROW_GROUP_ROWS = 128 * 1024;

const COLUMNS: readonly Column[] = [
  { name: "member", type: TYPE.BYTE_ARRAY, converted: CONVERTED.UTF8 },
  { name: "time_s", type: TYPE.DOUBLE },
  { name: "page_bytes", type: TYPE.INT32 },
  { name: "page", type: TYPE.INT64 },
  { name: "fingerprint", type: TYPE.FIXED_LEN_BYTE_ARRAY, bytes: FINGERPRINT_BYTES, isRandom: true },
  { name: "zero", type: TYPE.BOOLEAN },
];

/** What a new trace says of itself. */
interface NewHead extends Pick<TraceHead, "algorithm" | "keyId" | "addressSpace" | "ledger" | "notes" | "fileNotes"> {
  pageSizes: readonly number[];
  member: string;
  timeS: number;
}

/** The pages of a segment at one size. */
interface SegmentPages {
  pageBytes: number;
  /** What of the segment is there, and how its addresses are folded. */
  runs: readonly Run[];
  parts: Parts;
  places: Uint32Array;
  fingerprints: Uint8Array;
  zeroFingerprint: Uint8Array;
}

/** Writes one snapshot's pages, size after size and page after page, as a Parquet trace. */
export class TraceWriter {
  private readonly parquet: ParquetWriter;
  /** The row group that is being filled. */
  private readonly pages = new Float64Array(ROW_GROUP_ROWS);
  private readonly fingerprints = new Uint8Array(ROW_GROUP_ROWS * FINGERPRINT_BYTES);
  private readonly zeros = new Uint8Array(ROW_GROUP_ROWS);
  private rows = 0;
  private pageBytes = 0;
  private left = 0n;

  /** shownAs: what errors call the file; source: the name of the dump. */
  constructor(
    place: { path: string; shownAs: string },
    private readonly head: NewHead,
    private readonly version: string,
    private readonly source: string,
  ) {
    this.parquet = ParquetWriter.create(place, COLUMNS);
  }

  /**
   * Adds a segment's whole pages of a size: those at `places` (ascending, page numbers of the segment) have the
   * fingerprints given, the others in its runs are zero pages.
   */
  add({ pageBytes, runs, parts, places, fingerprints, zeroFingerprint }: SegmentPages): void {
    let entry = 0;
    for (const { address, at, bytes } of runs) {
      const end = Math.floor((at + bytes) / pageBytes);
      const shift = (address - at) / pageBytes;
      this.begin(pageBytes, (unfolded(parts, address) - BigInt(address)) / BigInt(pageBytes));
      for (let place = Math.ceil(at / pageBytes); place < end; ) {
        const most = Math.min(end - place, ROW_GROUP_ROWS - this.rows);
        const isZero = entry === places.length || places[entry] !== place;
        const count = isZero
          ? Math.min(most, (places[entry] ?? end) - place)
          : neighbours(places.subarray(entry, entry + most));
        this.put(
          shift + place,
          count,
          isZero ? zeroFingerprint : fingerprints.subarray(entry * FINGERPRINT_BYTES),
          isZero,
        );
        if (!isZero) entry += count;
        place += count;
      }
    }
  }

  /** Begins a row group where one does not go on. left: what page numbers of folded addresses lack, see folding.ts. */
  private begin(pageBytes: number, left: bigint): void {
    if (pageBytes === this.pageBytes && left === this.left) return;
    this.flush();
    this.pageBytes = pageBytes;
    this.left = left;
  }

  /** Puts rows for pages that follow each other. Their fingerprints follow each other too, or are that of the zero page. */
  private put(page: number, count: number, fingerprints: Uint8Array, isZero: boolean): void {
    const { rows } = this;
    const [from, to] = [rows * FINGERPRINT_BYTES, (rows + count) * FINGERPRINT_BYTES];
    for (let i = 0; i < count; i++) this.pages[rows + i] = page + i;
    this.zeros.fill(isZero ? 1 : 0, rows, rows + count);
    this.fingerprints.set(fingerprints.subarray(0, isZero ? FINGERPRINT_BYTES : to - from), from);
    if (isZero) repeat(this.fingerprints.subarray(from, to));
    this.rows += count;
    if (this.rows === ROW_GROUP_ROWS) this.flush();
  }

  /** Writes what was put as a row group. */
  private flush(): void {
    const { rows, head, pageBytes, left } = this;
    if (rows === 0) return;
    this.rows = 0;
    const zeros = this.zeros.subarray(0, rows);
    const pages = this.pages.subarray(0, rows);
    const { member, timeS } = head;
    this.parquet.addGroup(rows, [
      same(rows, dictionaryOf([member]).bytes, Buffer.from(member)),
      same(rows, bytesOf(Float64Array.of(timeS))),
      same(rows, bytesOf(Int32Array.of(pageBytes))),
      {
        values: deltas(pages, left),
        encoding: "DELTA_BINARY_PACKED",
        least: int64(BigInt(pages[0]) + left),
        most: int64(BigInt(pages[rows - 1]) + left),
      },
      { values: this.fingerprints.subarray(0, rows * FINGERPRINT_BYTES) },
      {
        values: flags(zeros),
        encoding: "RLE",
        least: Uint8Array.of(zeros.includes(0) ? 0 : 1),
        most: Uint8Array.of(zeros.includes(1) ? 1 : 0),
      },
    ]);
  }

  finish(): void {
    const { head, version, source } = this;
    this.flush();
    this.parquet.finish("trace", `pagekin ${version}`, {
      "pagekin.version": version,
      "pagekin.algorithm": head.algorithm,
      "pagekin.key_id": head.keyId ?? "",
      "pagekin.address_space": head.addressSpace ?? "",
      "pagekin.source": source,
      "pagekin.page_sizes": JSON.stringify(head.pageSizes),
      "pagekin.ledger": JSON.stringify(head.ledger ?? {}),
      ...(head.notes.length > 0 ? { "pagekin.notes": JSON.stringify(head.notes) } : {}),
      ...(head.fileNotes.length > 0 ? { "pagekin.file_notes": JSON.stringify(head.fileNotes) } : {}),
    });
  }

  close(): void {
    this.parquet.close();
  }
}

/** A column of one value. plain: as a dictionary has it; value: as statistics have it. */
function same(rows: number, plain: Uint8Array, value = plain): Page {
  const dictionary = { count: 1, bytes: plain };
  return { values: sameIndex(rows), encoding: "RLE_DICTIONARY", dictionary, least: value, most: value };
}

/** How many places from the first on follow each other. */
function neighbours(places: Uint32Array): number {
  let count = 1;
  while (count < places.length && places[count] === places[0] + count) count++;
  return count;
}

/** Repeats the fingerprint that a target begins with. */
function repeat(target: Uint8Array): void {
  for (let done = FINGERPRINT_BYTES; done < target.length; done *= 2) target.copyWithin(done, 0, done);
}
