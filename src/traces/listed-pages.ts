// Whether a trace lists a page twice, which would count it twice: pages as they are listed, those that follow each other
// as one run, so that the pages of a dump take next to nothing.

import { breathe } from "../system/pace.js";
import { sortInTurns } from "../system/turns.js";

/** A page that is listed twice. */
export interface Twice {
  pageBytes: number;
  page: number | bigint;
}

export class ListedPages {
  private readonly sizes = new Map<number, Runs>();

  add(pageBytes: number, page: number | bigint): void {
    let runs = this.sizes.get(pageBytes);
    if (!runs) {
      runs = new Runs();
      this.sizes.set(pageBytes, runs);
    }
    runs.add(page);
  }

  async twice(): Promise<Twice | undefined> {
    for (const [pageBytes, runs] of this.sizes) {
      const page = await runs.twice();
      if (page !== undefined) return { pageBytes, page };
    }
    return undefined;
  }
}

class Runs {
  private firsts = new Float64Array(64);
  private lasts = new Float64Array(64);
  private count = 0;
  private last = -1;
  private isAscending = true;
  /** Page numbers that a double does not hold exactly: of pages of 1 KiB in the upper half of the address space. */
  private readonly beyond = new Set<bigint>();
  private beyondTwice: bigint | undefined;

  add(given: number | bigint): void {
    const page = Number(given);
    if (!Number.isSafeInteger(page)) this.addBeyond(BigInt(given));
    else if (page === this.last + 1 && this.count > 0) this.lasts[this.count - 1] = this.last = page;
    else this.begin(page);
  }

  private begin(page: number): void {
    if (page <= this.last) this.isAscending = false;
    if (this.count === this.firsts.length) {
      this.firsts = doubled(this.firsts);
      this.lasts = doubled(this.lasts);
    }
    this.firsts[this.count] = page;
    this.lasts[this.count++] = page;
    this.last = page;
  }

  private addBeyond(page: bigint): void {
    if (this.beyond.has(page)) this.beyondTwice ??= page;
    this.beyond.add(page);
  }

  async twice(): Promise<number | bigint | undefined> {
    if (this.beyondTwice !== undefined || this.isAscending) return this.beyondTwice;
    // Each sorted for itself: runs that have no page in common end one by one, each before the next begins.
    const [firsts, lasts] = [this.firsts, this.lasts].map((pages) => pages.subarray(0, this.count));
    await sortInTurns(firsts, undefined, breathe);
    await sortInTurns(lasts, undefined, breathe);
    for (let i = 1; i < this.count; i++) if (firsts[i] <= lasts[i - 1]) return firsts[i];
    return undefined;
  }
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const more = new Float64Array(values.length * 2);
  more.set(values);
  return more;
}
