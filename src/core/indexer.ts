import { ENTRY_BYTES, Instance } from "./module.js";

/** Entries that the input buffer of the index takes at a time. */
export const INDEX_CHUNK = 16384;
const SLOT_BYTES = 32;
const NODE_BYTES = 12;
const MULTIPLE_BYTES = 4;
const FIRST_BYTES = 8;
/** Bytes of records that are collected before they are handed on. */
export const VECTOR_RECORDS = 4 * 1024 * 1024;
const VECTOR_TABLE = 65536;
const MOST_TABLE_BYTES = 2 ** 31;
const LEAST_SLOTS = 64;

/** Copy vectors of nonzero contents, as the core collected them. The same vector may come in several chunks. */
export interface VectorChunk {
  /** Contents that a member holds alone and in one copy, by member. */
  singles: BigUint64Array;
  /** Records: u64 contents, u32 (internal), u32 holders, then u32 member, u32 copies for each, last member first. */
  records: Uint8Array;
}

/** A page found again: u32 segment and place of the page, then of the first page with its content. */
export type Repeats = Uint32Array;

/** The content index of one bucket range at a time. */
export class Indexer {
  /** Entries to insert (INDEX_CHUNK at most) and, when tracked, their places. */
  input: Uint8Array = new Uint8Array();
  places: Uint32Array = new Uint32Array();
  private slotRoom = 0;
  /** Gets the vectors when there are many, and when flushVectors is called. */
  onVectors: (chunk: VectorChunk) => void = () => {};
  private readonly instance: Instance;
  private readonly at: {
    input: number;
    places: number;
    repeats: number;
    scratch: number;
    tableSingles: number;
    singles: number;
    vectorTable: number;
    records: number;
    table: number;
  };

  /** members: of the world; tableLimit: bytes that the table of one range may take. */
  constructor(
    module: WebAssembly.Module,
    private readonly members: number,
    private readonly tableLimit: number,
  ) {
    const instance = new Instance(module);
    this.instance = instance;
    this.at = {
      input: instance.reserve(INDEX_CHUNK * ENTRY_BYTES),
      places: instance.reserve(INDEX_CHUNK * 4),
      repeats: instance.reserve(INDEX_CHUNK * 16),
      scratch: instance.reserve(members * 8),
      tableSingles: instance.reserve(members * 4),
      singles: instance.reserve(members * 8),
      vectorTable: instance.reserve(VECTOR_TABLE * 4),
      records: instance.reserve(VECTOR_RECORDS + members * 8),
      table: instance.reserve(0),
    };
    this.growTable(LEAST_SLOTS);
    this.resetVectors();
  }

  /** Makes room for a table of so many slots; no more than is needed, since it counts for the garbage collector. */
  private growTable(slots: number): void {
    if (slots <= this.slotRoom) return;
    this.instance.reserve(this.bytesFor(slots) - (this.slotRoom === 0 ? 0 : this.bytesFor(this.slotRoom)));
    this.slotRoom = slots;
    this.input = this.instance.bytes(this.at.input, INDEX_CHUNK * ENTRY_BYTES);
    this.places = this.instance.words(this.at.places, INDEX_CHUNK);
  }

  private bytesFor(slots: number): number {
    return slots * (SLOT_BYTES + NODE_BYTES + MULTIPLE_BYTES + FIRST_BYTES) + this.members * NODE_BYTES;
  }

  private mostSlots(): number {
    const limit = Math.min(this.tableLimit, MOST_TABLE_BYTES);
    let slots = LEAST_SLOTS;
    while (this.bytesFor(slots * 2) <= limit) slots *= 2;
    return slots;
  }

  /**
   * Starts an empty table for at most `entries` entries, of those fingerprints that are of `part` of 2^bits parts; the
   * fingerprints `zeros` (entries) are the zero content.
   */
  begin(entries: number, bits: number, part: number, zeros: Uint8Array): void {
    let slots = LEAST_SLOTS;
    const most = this.mostSlots();
    while (slots * 0.75 < entries && slots < most) slots *= 2;
    this.growTable(slots);
    const { table, tableSingles } = this.at;
    const nodeLimit = slots + this.members;
    const nodes = table + slots * SLOT_BYTES;
    const multiples = nodes + nodeLimit * NODE_BYTES;
    const firsts = multiples + slots * MULTIPLE_BYTES;
    this.instance.exports.setTable(table, slots, nodes, nodeLimit, multiples, firsts, tableSingles, this.members);
    this.instance.exports.resetTable(bits, part);
    this.input.set(zeros);
    this.instance.exports.insertZeros(this.at.input, zeros.length / ENTRY_BYTES);
  }

  /** Inserts the first `count` entries of the input; members must come in ascending order. False: the table is full. */
  insert(count: number, member: number): boolean {
    return this.instance.exports.insert(this.at.input, count, member) !== 0;
  }

  /** Entries of the last insert that are the zero content. */
  zerosMet(): number {
    return this.instance.exports.zerosMet();
  }

  /** As insert, and tells which pages have a content that was there before; undefined: the table is full. */
  insertTracked(count: number, member: number, segment: number): Repeats | undefined {
    const { input, places, repeats } = this.at;
    if (!this.instance.exports.insertTracked(input, places, count, member, segment, repeats)) return undefined;
    return this.instance.words(repeats, this.instance.exports.repeatsMet() * 4);
  }

  /** Adds the table's contents to the collected vectors. */
  collect(): void {
    const all = this.instance.exports.multiplesMet();
    let done = this.instance.exports.collect(0, this.at.scratch);
    while (done < all) {
      this.flushVectors();
      done = this.instance.exports.collect(done, this.at.scratch);
    }
  }

  /** Hands on what was collected and starts anew. */
  flushVectors(): void {
    const singles = new BigUint64Array(this.instance.bytes(this.at.singles, this.members * 8).slice().buffer);
    const records = this.instance.bytes(this.at.records, this.instance.exports.recordBytes()).slice();
    this.resetVectors();
    this.onVectors({ singles, records });
  }

  private resetVectors(): void {
    const { singles, vectorTable, records } = this.at;
    const end = records + VECTOR_RECORDS + this.members * 8;
    this.instance.exports.resetVectors(singles, this.members, vectorTable, VECTOR_TABLE, records, end);
  }
}
