import type { Vectors } from "./counts.js";
import { VECTOR_RECORDS, type VectorChunk } from "./indexer.js";
import { Instance } from "./module.js";

const FIRST_RECORDS = 1024 * 1024;
const FIRST_TABLE = 16384;
/** Bytes that the records' room grows by at most. */
const MOST_MORE = 256 * 1024 * 1024;
const WINDOW = 65536;

/**
 * Brings the vectors of all threads together. Memory: 16 bytes a vector and 8 for each holder, and a table of 4 to 11 bytes a
 * vector, of at most 4 GiB together; as much again as they are taken out.
 */
export class VectorSet {
  private readonly instance: Instance;
  private readonly at: { singles: number; input: number; table: number };
  private singles: BigUint64Array;
  private tableSlots = 0;
  private recordRoom = 0;

  constructor(
    module: WebAssembly.Module,
    readonly members: number,
  ) {
    const instance = new Instance(module);
    this.instance = instance;
    this.at = {
      singles: instance.reserve(members * 8),
      input: instance.reserve(VECTOR_RECORDS + members * 8),
      table: instance.reserve(0),
    };
    this.singles = new BigUint64Array(members);
    this.clear();
  }

  /** The table, and behind it the records, which end the memory. */
  private clear(): void {
    this.singles = new BigUint64Array(this.members);
    this.tableSlots = FIRST_TABLE;
    this.recordRoom = FIRST_RECORDS + this.members * 8;
    const [records, end] = this.layOut();
    this.instance.exports.resetVectors(this.at.singles, 0, this.at.table, this.tableSlots, records, end);
  }

  private layOut(): [records: number, end: number] {
    const { instance, at, tableSlots, recordRoom } = this;
    instance.release(at.table);
    instance.reserve(tableSlots * 4 + recordRoom);
    const records = at.table + tableSlots * 4;
    return [records, records + recordRoom];
  }

  /** Makes room for more of what there is too little of. */
  private grow(): void {
    const { instance, at } = this;
    const bytes = instance.exports.recordBytes();
    const from = at.table + this.tableSlots * 4;
    if (instance.exports.isTableFull()) this.tableSlots *= 2;
    else this.recordRoom = bytes + Math.max(FIRST_RECORDS + this.members * 8, Math.min(bytes, MOST_MORE));
    const [records, end] = this.layOut();
    instance.move(from, records, bytes);
    instance.exports.growVectors(at.table, this.tableSlots, records, end);
  }

  add({ singles, records }: VectorChunk): void {
    const { exports } = this.instance;
    for (let member = 0; member < this.members; member++) this.singles[member] += singles[member];
    this.instance.bytes(this.at.input, records.length).set(records);
    for (let done = 0; ; this.grow()) {
      done += exports.mergeVectors(this.at.input + done, records.length - done);
      if (done === records.length) break;
    }
  }

  /** The vectors, each once and sorted; the set is empty then. */
  async take(pause: () => Promise<void> | undefined): Promise<Vectors> {
    const { exports } = this.instance;
    const singles = this.instance.bytes(this.at.singles, this.members * 8);
    singles.set(new Uint8Array(this.singles.buffer));
    for (let from = 0; ; this.grow()) {
      from = exports.mergeSingles(this.at.singles, from, this.members);
      if (from === this.members) break;
    }
    const count = exports.vectorCount();
    const vectors = await this.write(count, (exports.recordBytes() - 16 * count) / 8, pause);
    this.clear();
    return vectors;
  }

  private async write(count: number, entries: number, pause: () => Promise<void> | undefined): Promise<Vectors> {
    const { instance } = this;
    const { exports } = instance;
    const places = [instance.reserve(count * 4), instance.reserve(count * 4)];
    const entryRoom = Math.max(WINDOW, this.members);
    const [sizesAt, contentsAt] = [instance.reserve(WINDOW * 4), instance.reserve(WINDOW * 8)];
    const [holdersAt, copiesAt] = [instance.reserve(entryRoom * 4), instance.reserve(entryRoom * 4)];
    exports.beginSort(places[0], places[1]);
    let order = 0;
    while (order === 0) {
      order = exports.sortSome(WINDOW);
      const turn = pause();
      if (turn) await turn;
    }
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
      const turn = pause();
      if (turn) await turn;
    }
    return vectors;
  }
}
