import type { SchemaElement } from "hyparquet";
import { fromSystem } from "../errors.js";
import type { TraceHead } from "./rows.js";

const ROW_GROUP_ROWS = 128 * 1024;
const FINGERPRINT_BYTES = 16;

const SCHEMA: SchemaElement[] = [
  { name: "trace", num_children: 6 },
  { name: "member", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "time_s", type: "DOUBLE", repetition_type: "REQUIRED" },
  { name: "page_bytes", type: "INT32", repetition_type: "REQUIRED" },
  { name: "page", type: "INT64", repetition_type: "REQUIRED" },
  { name: "fingerprint", type: "FIXED_LEN_BYTE_ARRAY", type_length: FINGERPRINT_BYTES, repetition_type: "REQUIRED" },
  { name: "zero", type: "BOOLEAN", repetition_type: "REQUIRED" },
];

/** The pages of a segment at one size. */
interface SegmentPages {
  pageBytes: number;
  /** What of the segment is there: addresses, and where they stand in it. */
  runs: readonly { address: number; at: number; bytes: number }[];
  places: Uint32Array;
  fingerprints: Uint8Array;
  zeroFingerprint: Uint8Array;
}

/** Writes one snapshot's pages, size after size and page after page, as a Parquet trace. */
export class TraceWriter {
  private readonly pages = new BigInt64Array(ROW_GROUP_ROWS);
  private readonly zeros: boolean[] = [];
  private readonly fingerprintBytes = new Uint8Array(ROW_GROUP_ROWS * FINGERPRINT_BYTES);
  /** A view for each row, as far as rows were needed. */
  private readonly fingerprints: Uint8Array[] = [];
  private rows = 0;
  private pageBytes = 0;

  private constructor(
    private readonly shownAs: string,
    private readonly parquet: InstanceType<typeof import("hyparquet-writer").ParquetWriter>,
    private readonly member: string,
    private readonly timeS: number,
  ) {}

  static async create(
    { path, shownAs }: { path: string; shownAs: string },
    head: Pick<TraceHead, "algorithm" | "keyId" | "addressSpace" | "ledger" | "notes" | "fileNotes"> & {
      member: string;
      timeS: number;
    },
    version: string,
    source: string,
  ): Promise<TraceWriter> {
    const { ParquetWriter, fileWriter } = await import("hyparquet-writer");
    try {
      const parquet = new ParquetWriter({
        writer: fileWriter(path),
        schema: SCHEMA,
        createdBy: `pagekin ${version}`,
        kvMetadata: [
          { key: "pagekin.version", value: version },
          { key: "pagekin.algorithm", value: head.algorithm },
          { key: "pagekin.key_id", value: head.keyId ?? "" },
          { key: "pagekin.address_space", value: head.addressSpace ?? "" },
          { key: "pagekin.source", value: source },
          { key: "pagekin.ledger", value: JSON.stringify(head.ledger ?? {}) },
          ...notesUnder("pagekin.notes", head.notes),
          ...notesUnder("pagekin.file_notes", head.fileNotes),
        ],
      });
      return new TraceWriter(shownAs, parquet, head.member, head.timeS);
    } catch (error) {
      throw fromSystem(error, shownAs);
    }
  }

  /**
   * Adds a segment's whole pages of a size: those at `places` (ascending, page numbers of the segment) have the
   * fingerprints given, the others in its runs are zero pages.
   */
  add({ pageBytes, runs, places, fingerprints, zeroFingerprint }: SegmentPages): void {
    if (pageBytes !== this.pageBytes) this.flush();
    this.pageBytes = pageBytes;
    let entry = 0;
    for (const { address, at, bytes } of runs) {
      const end = Math.floor((at + bytes) / pageBytes);
      const shift = (address - at) / pageBytes;
      for (let place = Math.ceil(at / pageBytes); place < end; place++) {
        const zero = entry === places.length || places[entry] !== place;
        const to = this.rows * FINGERPRINT_BYTES;
        if (zero) {
          this.fingerprintBytes.set(zeroFingerprint, to);
        } else {
          copy16(fingerprints, entry * FINGERPRINT_BYTES, this.fingerprintBytes, to);
          entry++;
        }
        this.pages[this.rows] = BigInt(shift + place);
        this.zeros[this.rows] = zero;
        if (++this.rows === ROW_GROUP_ROWS) this.flush();
      }
    }
  }

  private flush(): void {
    const { rows } = this;
    if (rows === 0) return;
    for (
      let at = this.fingerprints.length * FINGERPRINT_BYTES;
      this.fingerprints.length < rows;
      at += FINGERPRINT_BYTES
    ) {
      this.fingerprints.push(this.fingerprintBytes.subarray(at, at + FINGERPRINT_BYTES));
    }
    this.rows = 0;
    try {
      this.parquet.write({
        rowGroupSize: rows,
        columnData: [
          { name: "member", data: new Array(rows).fill(this.member), encoding: "RLE_DICTIONARY" },
          { name: "time_s", data: new Float64Array(rows).fill(this.timeS), encoding: "RLE_DICTIONARY" },
          { name: "page_bytes", data: new Int32Array(rows).fill(this.pageBytes), encoding: "RLE_DICTIONARY" },
          { name: "page", data: this.pages.subarray(0, rows), encoding: "DELTA_BINARY_PACKED" },
          {
            name: "fingerprint",
            data: this.fingerprints.slice(0, rows),
            encoding: "PLAIN",
            codec: "UNCOMPRESSED",
            statistics: false,
          },
          { name: "zero", data: this.zeros.slice(0, rows), encoding: "RLE" },
        ],
      });
    } catch (error) {
      throw fromSystem(error, this.shownAs);
    }
  }

  finish(): void {
    this.flush();
    try {
      this.parquet.finish();
    } catch (error) {
      throw fromSystem(error, this.shownAs);
    }
  }
}

/** For so few bytes a loop is faster than a view for each. */
function copy16(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  for (let i = 0; i < FINGERPRINT_BYTES; i++) target[to + i] = source[from + i];
}

const notesUnder = (key: string, notes: readonly string[]) =>
  notes.length > 0 ? [{ key, value: JSON.stringify(notes) }] : [];
