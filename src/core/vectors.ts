import type { VectorChunk } from "./indexer.js";
import { Instance } from "./module.js";

const FIRST_RECORDS = 1024 * 1024;
const FIRST_TABLE = 16384;
const GROWTH = 4;
const WINDOW = 65536;

/** Copy vectors, each once: which members hold a content, in how many copies. In the order of members, then of copies. */
export interface Vectors {
  /** Where each vector's holders begin, and at the end where they end. */
  starts: Uint32Array;
  /** Numbers of members, ascending in each vector, and how many copies each has. */
  holders: Uint32Array;
  copies: Uint32Array;
  /** By vector: the contents that have exactly it. */
  contents: Float64Array;
}

/** Brings the vectors of all threads together. Memory: some 24 bytes a vector and 8 for each holder, at times a third more. */
export class VectorSet {
  private readonly instance: Instance;
  private readonly singlesAt: number;
  /** Where the memory begins that is laid out anew for each collection. */
  private readonly start: number;
  private singles: BigUint64Array;
  private at = { input: 0, table: 0, records: 0 };
  private room = { input: 0, table: 0, records: 0 };

  constructor(
    module: WebAssembly.Module,
    private readonly members: number,
  ) {
    this.instance = new Instance(module);
    this.singlesAt = this.instance.reserve(members * 8);
    this.start = this.instance.reserve(0);
    this.singles = new BigUint64Array(members);
    this.clear();
  }

  private clear(): void {
    this.instance.release(this.start);
    this.singles = new BigUint64Array(this.members);
    this.room = { input: 0, table: FIRST_TABLE, records: FIRST_RECORDS + this.members * 8 };
    this.layOut();
  }

  private layOut(): void {
    const { table, records } = this.room;
    this.at.table = this.instance.reserve(table * 4);
    this.at.records = this.instance.reserve(records);
    const end = this.at.records + records;
    this.instance.exports.resetVectors(this.singlesAt, 0, this.at.table, table, this.at.records, end);
  }

  /** Makes more room behind what there is. */
  private grow(): void {
    const { exports } = this.instance;
    const { records } = this.at;
    const bytes = exports.recordBytes();
    this.room.table *= GROWTH;
    this.room.records *= GROWTH;
    this.layOut();
    exports.mergeVectors(records, bytes);
  }

  add({ singles, records }: VectorChunk): void {
    const { exports } = this.instance;
    for (let member = 0; member < this.members; member++) this.singles[member] += singles[member];
    if (records.length > this.room.input) {
      this.at.input = this.instance.reserve(records.length);
      this.room.input = records.length;
    }
    this.instance.bytes(this.at.input, records.length).set(records);
    for (let done = 0; ; this.grow()) {
      done += exports.mergeVectors(this.at.input + done, records.length - done);
      if (done === records.length) break;
    }
  }

  /** The vectors, each once and sorted; the set is empty then. */
  take(): Vectors {
    const { exports } = this.instance;
    const singles = this.instance.bytes(this.singlesAt, this.members * 8);
    singles.set(new Uint8Array(this.singles.buffer));
    for (let from = 0; ; this.grow()) {
      from = exports.mergeSingles(this.singlesAt, from, this.members);
      if (from === this.members) break;
    }
    const count = exports.vectorCount();
    const vectors = this.write(count, (exports.recordBytes() - 16 * count) / 8);
    this.clear();
    return vectors;
  }

  private write(count: number, entries: number): Vectors {
    const { instance } = this;
    const { exports } = instance;
    const places = [instance.reserve(count * 4), instance.reserve(count * 4)];
    const entryRoom = Math.max(WINDOW, this.members);
    const [sizesAt, contentsAt] = [instance.reserve(WINDOW * 4), instance.reserve(WINDOW * 8)];
    const [holdersAt, copiesAt] = [instance.reserve(entryRoom * 4), instance.reserve(entryRoom * 4)];
    const order = exports.sortVectors(places[0], places[1]);
    const vectors: Vectors = {
      starts: new Uint32Array(count + 1),
      holders: new Uint32Array(entries),
      copies: new Uint32Array(entries),
      contents: new Float64Array(count),
    };
    const { starts } = vectors;
    for (let done = 0; done < count; ) {
      const from = starts[done];
      const next = order + done * 4;
      const most = Math.min(WINDOW, count - done);
      const got = exports.writeVectors(next, most, entryRoom, sizesAt, contentsAt, holdersAt, copiesAt);
      const sizes = instance.words(sizesAt, got);
      for (let i = 0; i < got; i++) starts[done + i + 1] = starts[done + i] + sizes[i];
      vectors.contents.set(instance.doubles(contentsAt, got), done);
      vectors.holders.set(instance.words(holdersAt, starts[done + got] - from), from);
      vectors.copies.set(instance.words(copiesAt, starts[done + got] - from), from);
      done += got;
    }
    return vectors;
  }
}
