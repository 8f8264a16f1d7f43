// XXH3-128 with seed 0 for inputs of more than 240 bytes, written after the specification (doc/xxhash_spec.md of xxHash)
// as plainly as it reads: eight lanes of 64 bits, one stripe of 64 bytes after the other.

const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_MX1 = 0x165667919e3779f9n;

/** The default secret. */
export const SECRET = Buffer.from(
  [
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221",
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8",
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb",
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
  ].join(""),
  "hex",
);

const STRIPE = 64;
const LANES = 8;
/** Bytes between two scrambles: as many stripes as the secret has places of 8 bytes to start a stripe's key at. */
const BLOCK = ((SECRET.length - STRIPE) / 8) * STRIPE;

const low64 = (x: bigint) => BigInt.asUintN(64, x);
const low32 = (x: bigint) => BigInt.asUintN(32, x);
const keyAt = (place: number) => SECRET.readBigUInt64LE(place);

function accumulate(lanes: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < LANES; lane++) {
    const data = input.readBigUInt64LE(at + 8 * lane);
    const keyed = data ^ keyAt(secretAt + 8 * lane);
    lanes[lane ^ 1] = low64(lanes[lane ^ 1] + data);
    lanes[lane] = low64(lanes[lane] + low32(keyed) * (keyed >> 32n));
  }
}

function scramble(lanes: bigint[]): void {
  for (let lane = 0; lane < LANES; lane++) {
    const mixed = lanes[lane] ^ (lanes[lane] >> 47n) ^ keyAt(SECRET.length - STRIPE + 8 * lane);
    lanes[lane] = low64(mixed * PRIME32_1);
  }
}

function merge(lanes: readonly bigint[], start: bigint, secretAt: number): bigint {
  let sum = start;
  for (let pair = 0; pair < LANES / 2; pair++) {
    const a = lanes[2 * pair] ^ keyAt(secretAt + 16 * pair);
    const b = lanes[2 * pair + 1] ^ keyAt(secretAt + 16 * pair + 8);
    const product = a * b;
    sum += low64(product) ^ (product >> 64n);
  }
  const mixed = low64(sum) ^ (low64(sum) >> 37n);
  const multiplied = low64(mixed * PRIME_MX1);
  return multiplied ^ (multiplied >> 32n);
}

/** The digest in hex, high half first. */
export function xxh3of(input: Buffer): string {
  if (input.length <= 240) throw new Error("for inputs of more than 240 bytes");
  const lanes = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];
  // The last stripe ends where the input does, and stands apart even if it is a whole one.
  const before = input.length - 1;
  for (let at = 0; at + STRIPE <= before; at += STRIPE) {
    accumulate(lanes, input, at, ((at % BLOCK) / STRIPE) * 8);
    if ((at + STRIPE) % BLOCK === 0) scramble(lanes);
  }
  accumulate(lanes, input, input.length - STRIPE, SECRET.length - STRIPE - 7);
  const length = BigInt(input.length);
  const low = merge(lanes, low64(length * PRIME64_1), 11);
  const high = merge(lanes, low64(~(length * PRIME64_2)), SECRET.length - STRIPE - 11);
  return [high, low].map((half) => half.toString(16).padStart(16, "0")).join("");
}
