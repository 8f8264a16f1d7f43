// Which record of a page is the latest. A page that is dirtied is sent again, and the last one counts.

import type { PagekinError } from "../../../errors.js";

/** Pages of a chunk: guests send their pages densely, and a lying address costs no more than one chunk. */
const CHUNK_PAGES = 1024;

/** How a page was sent last, where it is no place in the file: zero, or a page of one byte. */
const NOT_SENT = 0;
export const filledWith = (fill: number): number => -1 - fill;
export const fillOf = (place: number): number => -1 - place;

interface Chunk {
  /** For each page the place of its bytes in the file, or filledWith(byte), or NOT_SENT. */
  places: Float64Array;
  /** For each page how many bytes it is packed in, 0 where it is not; only where a page was ever packed. */
  packed: Uint32Array | undefined;
}

/** Room for the tables of all blocks, so that a file that strews few pages over many addresses cannot take it all. */
export class Room {
  constructor(
    private bytes: number,
    private readonly full: (offset: number) => PagekinError,
  ) {}

  take(bytes: number, offset: number): void {
    this.bytes -= bytes;
    if (this.bytes < 0) throw this.full(offset);
  }
}

/** The latest records of one block's pages. */
export class LatestPages {
  private readonly chunks = new Map<number, Chunk>();
  private key = -1;
  private chunk: Chunk | undefined;
  /** Pages sent, each once. */
  pages = 0;
  /** Records that later ones replaced. */
  replaced = 0;

  constructor(private readonly room: Room) {}

  /** Notes a page; packed: bytes that it is packed in, or 0; offset: of the record, for errors. */
  put(page: number, place: number, packed: number, offset: number): void {
    const key = Math.floor(page / CHUNK_PAGES);
    const chunk = key === this.key && this.chunk ? this.chunk : this.enter(key, offset);
    const i = page - key * CHUNK_PAGES;
    if (chunk.places[i] === NOT_SENT) this.pages++;
    else this.replaced++;
    chunk.places[i] = place;
    if (chunk.packed) chunk.packed[i] = packed;
    else if (packed > 0) this.addPacked(chunk, offset)[i] = packed;
  }

  /** Gives the pages that were sent, in order. */
  async each(visit: (page: number, place: number, packed: number) => void, breathe: () => Promise<void> | undefined) {
    for (const key of Float64Array.from(this.chunks.keys()).sort()) {
      const { places, packed } = this.chunks.get(key) as Chunk;
      for (let i = 0; i < CHUNK_PAGES; i++)
        if (places[i] !== NOT_SENT) visit(key * CHUNK_PAGES + i, places[i], packed ? packed[i] : 0);
      await breathe();
    }
  }

  private enter(key: number, offset: number): Chunk {
    let chunk = this.chunks.get(key);
    if (!chunk) {
      this.room.take(8 * CHUNK_PAGES, offset);
      chunk = { places: new Float64Array(CHUNK_PAGES), packed: undefined };
      this.chunks.set(key, chunk);
    }
    this.key = key;
    this.chunk = chunk;
    return chunk;
  }

  private addPacked(chunk: Chunk, offset: number): Uint32Array {
    this.room.take(4 * CHUNK_PAGES, offset);
    chunk.packed = new Uint32Array(CHUNK_PAGES);
    return chunk.packed;
  }
}
