// Addresses have 64 bits, but JavaScript's numbers are exact to 2^53 only. A dump that goes beyond, with the virtual addresses
// of a kernel or of some processes, is read by folded addresses: regions of the address space that it does not use are skipped.
// Folding keeps the order, and never makes neighbors of addresses that are not.

/** Memory lies in few regions of this size. */
const REGION_BITS = 48n;
const REGION_BYTES = 2 ** 48;
const REGION_MASK = (1n << REGION_BITS) - 1n;
/** Folded addresses are below 2^53. */
const MOST_REGIONS = 2 ** 53 / REGION_BYTES;

/** Folded addresses from `at` up to the next part stand for the addresses from `address` on. */
export interface Part {
  at: number;
  address: bigint;
}

/** In the order of addresses; none: addresses are as they are. */
export type Parts = readonly Part[];

/** The address that a folded one stands for. */
export function unfolded(parts: Parts, folded: number): bigint {
  for (let i = parts.length - 1; i >= 0; i--) {
    const { at, address } = parts[i];
    if (folded >= at) return address + BigInt(folded - at);
  }
  return BigInt(folded);
}

/** An address for JSON: a number where that is exact. */
export const numberOf = (address: bigint): number | bigint =>
  address <= Number.MAX_SAFE_INTEGER ? Number(address) : address;

/** The folded address of an address; undefined if it is in no part. */
export function folded(parts: Parts, address: bigint): number | undefined {
  if (parts.length === 0) return address < 1n << 53n ? Number(address) : undefined;
  const part = parts.find((one) => one.address === address - (address & REGION_MASK));
  return part && part.at + Number(address & REGION_MASK);
}

/** Finds out which regions a dump uses. */
export class RegionSet {
  private readonly used = new Set<number>();
  private isHigh = false;

  /** Adds a range of addresses; false if it goes beyond 2^64, or if there are more regions now than can be folded. */
  add(address: bigint, bytes: number): boolean {
    if (bytes === 0) return true;
    if (bytes > Number.MAX_SAFE_INTEGER) return false;
    const end = address + BigInt(bytes);
    if (end > 1n << 64n) return false;
    const before = this.used.size;
    const last = Number((end - 1n) >> REGION_BITS);
    for (let region = Number(address >> REGION_BITS); region <= last; region++) this.used.add(region);
    this.isHigh ||= end >= 1n << 53n;
    return !this.isHigh || this.used.size === before || this.place() !== undefined;
  }

  /** The parts to fold by. */
  get parts(): Parts {
    return (this.isHigh && this.place()) || [];
  }

  private place(): Part[] | undefined {
    const parts: Part[] = [];
    let next = 0;
    let before = -1;
    for (const region of [...this.used].sort((a, b) => a - b)) {
      // An unused slot separates regions that are not adjacent.
      if (region !== before + 1) next++;
      if (next >= MOST_REGIONS) return undefined;
      parts.push({ at: next++ * REGION_BYTES, address: BigInt(region) << REGION_BITS });
      before = region;
    }
    return parts;
  }
}
