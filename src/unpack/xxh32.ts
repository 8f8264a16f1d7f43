// XXH32, seed 0, of bytes that come in pieces: the checksum in lz4 files. Specification: xxhash_spec.md.

const P1 = 0x9e3779b1 | 0;
const P2 = 0x85ebca77 | 0;
const P3 = 0xc2b2ae3d | 0;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;
const STRIPE = 16;

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

const readWord = (bytes: Uint8Array, at: number) =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

export class Xxh32 {
  private readonly lanes = Int32Array.of(P1 + P2, P2, 0, -P1);
  private readonly rest = new Uint8Array(STRIPE);
  private restBytes = 0;
  private total = 0;

  update(bytes: Uint8Array): this {
    this.total += bytes.length;
    let from = 0;
    if (this.restBytes > 0) {
      from = Math.min(STRIPE - this.restBytes, bytes.length);
      this.rest.set(bytes.subarray(0, from), this.restBytes);
      this.restBytes += from;
      if (this.restBytes < STRIPE) return this;
      this.stripes(this.rest, 0);
      this.restBytes = 0;
    }
    const left = bytes.subarray(this.stripes(bytes, from));
    this.rest.set(left);
    this.restBytes = left.length;
    return this;
  }

  /** Takes all whole stripes and gives where they end. */
  private stripes(bytes: Uint8Array, from: number): number {
    let [a, b, c, d] = this.lanes;
    let at = from;
    for (const end = bytes.length - STRIPE; at <= end; at += STRIPE) {
      a = Math.imul(rotate((a + Math.imul(readWord(bytes, at), P2)) | 0, 13), P1);
      b = Math.imul(rotate((b + Math.imul(readWord(bytes, at + 4), P2)) | 0, 13), P1);
      c = Math.imul(rotate((c + Math.imul(readWord(bytes, at + 8), P2)) | 0, 13), P1);
      d = Math.imul(rotate((d + Math.imul(readWord(bytes, at + 12), P2)) | 0, 13), P1);
    }
    this.lanes.set([a, b, c, d]);
    return at;
  }

  digest(): number {
    const [a, b, c, d] = this.lanes;
    let hash = this.total < STRIPE ? P5 : rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    hash = (hash + this.total) | 0;
    let at = 0;
    for (; at + 4 <= this.restBytes; at += 4) {
      hash = Math.imul(rotate((hash + Math.imul(readWord(this.rest, at), P3)) | 0, 17), P4);
    }
    for (; at < this.restBytes; at++) {
      hash = Math.imul(rotate((hash + Math.imul(this.rest[at], P5)) | 0, 11), P1);
    }
    hash = Math.imul(hash ^ (hash >>> 15), P2);
    hash = Math.imul(hash ^ (hash >>> 13), P3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}
