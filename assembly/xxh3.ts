// XXH3-128 (seed 0, default secret) of inputs that are whole KiB long.
// Source: the XXH3 specification in Cyan4973/xxHash, doc/xxhash_spec.md, section "XXH3 algorithm description".
//
// Such an input is a row of blocks of exactly 1 KiB: 16 stripes of 64 bytes. Within a block eight 64-bit
// accumulators only add terms that depend on the stripe and its place; between blocks they are scrambled. So the
// sum of terms of each KiB, taken once, serves the pages of every size that hold this KiB.

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
const PRIME64_5: u64 = 0x27d4eb2f165667c5;
const PRIME_MX: u64 = 0x165667919e3779f9;

const SECRET_BYTES: usize = 192;
const LAST_STRIPE_SECRET: usize = SECRET_BYTES - 64 - 7;
const SCRAMBLE_SECRET: usize = SECRET_BYTES - 64;
const LOW_SECRET: usize = 11;
const HIGH_SECRET: usize = SECRET_BYTES - 64 - 11;

// prettier-ignore
const SECRET: usize = memory.data<u64>([
  0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072,
  0x78e5c0cc4ee679cb, 0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0,
  0xcb00c391bb52283c, 0xa32e531b8b65d088, 0x4ef90da297486471, 0xd8acdea946ef1938,
  0x3f349ce33f76faa8, 0x1d4f0bc7c7bbdcf9, 0x3159b4cd4be0518a, 0x647378d9c97e9fc8,
  0xc3ebd33483acc5ea, 0xeb6313faffa081c5, 0x49daf0b751dd0d17, 0x9e68d429265516d3,
  0xfca1477d58be162b, 0xce31d07ad1b8f88f, 0x280416958f3acb45, 0x7e404bbbcafbd7af,
], 16);

/** The terms of one KiB: 64 bytes for a KiB inside its page, then 64 for the last KiB of its page. */
export const TERMS_BYTES: i32 = 128;

/** Whether a KiB is all zero. Four vectors far apart are looked at first, since most pages that differ do so early. */
// @ts-ignore: decorator
@inline
export function isZeroKib(src: usize): bool {
  const first = v128.or(
    v128.or(v128.load(src), v128.load(src, 256)),
    v128.or(v128.load(src, 512), v128.load(src, 768)),
  );
  if (v128.any_true(first)) return false;
  let all = first;
  for (let end = src + 1024; src < end; src += 128) {
    all = v128.or(all, v128.or(v128.or(v128.load(src), v128.load(src, 16)), v128.or(v128.load(src, 32), v128.load(src, 48))));
    all = v128.or(all, v128.or(v128.or(v128.load(src, 64), v128.load(src, 80)), v128.or(v128.load(src, 96), v128.load(src, 112))));
    if (v128.any_true(all)) return false;
  }
  return true;
}

/** Writes the terms of the KiB at src to `terms` (TERMS_BYTES). */
export function termsOfKib(src: usize, terms: usize): void {
  // Products of the low and high halves of data ^ secret, and plain sums of the data, for the four vectors of a stripe.
  let p0 = i64x2.splat(0);
  let p1 = i64x2.splat(0);
  let p2 = i64x2.splat(0);
  let p3 = i64x2.splat(0);
  let s0 = i64x2.splat(0);
  let s1 = i64x2.splat(0);
  let s2 = i64x2.splat(0);
  let s3 = i64x2.splat(0);
  const last = SECRET + 15 * 8;
  for (let secret = SECRET; secret < last; secret += 8, src += 64) {
    const d0 = v128.load(src);
    const d1 = v128.load(src, 16);
    const d2 = v128.load(src, 32);
    const d3 = v128.load(src, 48);
    const k0 = v128.xor(d0, v128.load(secret));
    const k1 = v128.xor(d1, v128.load(secret, 16));
    const k2 = v128.xor(d2, v128.load(secret, 32));
    const k3 = v128.xor(d3, v128.load(secret, 48));
    const lo01 = v128.shuffle<u32>(k0, k1, 0, 2, 4, 6);
    const hi01 = v128.shuffle<u32>(k0, k1, 1, 3, 5, 7);
    const lo23 = v128.shuffle<u32>(k2, k3, 0, 2, 4, 6);
    const hi23 = v128.shuffle<u32>(k2, k3, 1, 3, 5, 7);
    p0 = i64x2.add(p0, i64x2.extmul_low_i32x4_u(lo01, hi01));
    p1 = i64x2.add(p1, i64x2.extmul_high_i32x4_u(lo01, hi01));
    p2 = i64x2.add(p2, i64x2.extmul_low_i32x4_u(lo23, hi23));
    p3 = i64x2.add(p3, i64x2.extmul_high_i32x4_u(lo23, hi23));
    s0 = i64x2.add(s0, d0);
    s1 = i64x2.add(s1, d1);
    s2 = i64x2.add(s2, d2);
    s3 = i64x2.add(s3, d3);
  }
  // The last stripe has one secret inside a page and another at the page's end; its data count the same in both.
  const d0 = v128.load(src);
  const d1 = v128.load(src, 16);
  const d2 = v128.load(src, 32);
  const d3 = v128.load(src, 48);
  // XXH3 adds the data of lane i to lane i ^ 1: swapped here once for the whole KiB.
  s0 = swapLanes(i64x2.add(s0, d0));
  s1 = swapLanes(i64x2.add(s1, d1));
  s2 = swapLanes(i64x2.add(s2, d2));
  s3 = swapLanes(i64x2.add(s3, d3));
  p0 = i64x2.add(p0, s0);
  p1 = i64x2.add(p1, s1);
  p2 = i64x2.add(p2, s2);
  p3 = i64x2.add(p3, s3);
  v128.store(terms, i64x2.add(p0, productOf(d0, last)), 0);
  v128.store(terms, i64x2.add(p1, productOf(d1, last + 16)), 16);
  v128.store(terms, i64x2.add(p2, productOf(d2, last + 32)), 32);
  v128.store(terms, i64x2.add(p3, productOf(d3, last + 48)), 48);
  const end = SECRET + LAST_STRIPE_SECRET;
  v128.store(terms, i64x2.add(p0, productOf(d0, end)), 64);
  v128.store(terms, i64x2.add(p1, productOf(d1, end + 16)), 80);
  v128.store(terms, i64x2.add(p2, productOf(d2, end + 32)), 96);
  v128.store(terms, i64x2.add(p3, productOf(d3, end + 48)), 112);
}

// @ts-ignore: decorator
@inline
function swapLanes(v: v128): v128 {
  return v128.shuffle<u64>(v, v, 1, 0);
}

/** Low half times high half of each 64-bit lane of data ^ secret. */
// @ts-ignore: decorator
@inline
function productOf(data: v128, secret: usize): v128 {
  const keyed = v128.xor(data, v128.load(secret));
  return i64x2.extmul_low_i32x4_u(v128.shuffle<u32>(keyed, keyed, 0, 2, 0, 2), v128.shuffle<u32>(keyed, keyed, 1, 3, 1, 3));
}

// The accumulators before the first block.
const START_0: v128 = i64x2(PRIME32_3, PRIME64_1);
const START_1: v128 = i64x2(PRIME64_2, PRIME64_3);
const START_2: v128 = i64x2(PRIME64_4, PRIME32_2);
const START_3: v128 = i64x2(PRIME64_5, PRIME32_1);

/** Sets accumulators (64 bytes) to their start values. */
export function startAccumulators(acc: usize): void {
  v128.store(acc, START_0, 0);
  v128.store(acc, START_1, 16);
  v128.store(acc, START_2, 32);
  v128.store(acc, START_3, 48);
}

/** Adds the terms of `kibs` KiB that are not the last of their page to accumulators. */
export function addInnerKibs(acc: usize, terms: usize, kibs: u32): void {
  let a0 = v128.load(acc, 0);
  let a1 = v128.load(acc, 16);
  let a2 = v128.load(acc, 32);
  let a3 = v128.load(acc, 48);
  for (; kibs > 0; kibs--, terms += TERMS_BYTES) {
    a0 = scrambled(a0, terms, 0);
    a1 = scrambled(a1, terms, 16);
    a2 = scrambled(a2, terms, 32);
    a3 = scrambled(a3, terms, 48);
  }
  v128.store(acc, a0, 0);
  v128.store(acc, a1, 16);
  v128.store(acc, a2, 32);
  v128.store(acc, a3, 48);
}

/** The digest of the last `kibs` KiB of a page, after what accumulators hold of it; as two words: low, high. */
// @ts-ignore: decorator
@inline
export function finishKibs(acc: usize, terms: usize, kibs: u32, start: v128): v128 {
  addInnerKibs(acc, terms, kibs - 1);
  const last = terms + ((kibs - 1) as usize) * TERMS_BYTES;
  return digest(v128.load(acc, 0), v128.load(acc, 16), v128.load(acc, 32), v128.load(acc, 48), last, start);
}

/** The digest of a page of `kibs` KiB. */
// @ts-ignore: decorator
@inline
export function digestOfPage(terms: usize, kibs: u32, start: v128): v128 {
  let a0 = START_0;
  let a1 = START_1;
  let a2 = START_2;
  let a3 = START_3;
  for (; kibs > 1; kibs--, terms += TERMS_BYTES) {
    a0 = scrambled(a0, terms, 0);
    a1 = scrambled(a1, terms, 16);
    a2 = scrambled(a2, terms, 32);
    a3 = scrambled(a3, terms, 48);
  }
  return digest(a0, a1, a2, a3, terms, start);
}

/** One vector of accumulators after a KiB that is not the last of its page. */
// @ts-ignore: decorator
@inline
function scrambled(acc: v128, terms: usize, at: usize): v128 {
  const sum = i64x2.add(acc, v128.load(terms + at));
  const mixed = v128.xor(v128.xor(sum, i64x2.shr_u(sum, 47)), v128.load(SECRET + SCRAMBLE_SECRET + at));
  return i64x2.mul(mixed, i64x2.splat(PRIME32_1));
}

/** The start values of the two halves of the digest (low, high) of an input of so many bytes. */
export function digestStart(bytes: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(bytes * PRIME64_1), 1, ~(bytes * PRIME64_2));
}

/** Adds the terms of a page's last KiB and gives the digest. */
// @ts-ignore: decorator
@inline
function digest(a0: v128, a1: v128, a2: v128, a3: v128, terms: usize, start: v128): v128 {
  let sum = i64x2.add(start, foldPair(a0, terms, 0));
  sum = i64x2.add(sum, foldPair(a1, terms, 16));
  sum = i64x2.add(sum, foldPair(a2, terms, 32));
  sum = i64x2.add(sum, foldPair(a3, terms, 48));
  sum = v128.xor(sum, i64x2.shr_u(sum, 37));
  sum = i64x2.mul(sum, i64x2.splat(PRIME_MX));
  return v128.xor(sum, i64x2.shr_u(sum, 32));
}

/** The 128-bit product of two keyed accumulators, its halves folded by xor, for the low and the high digest at once. */
// @ts-ignore: decorator
@inline
function foldPair(acc: v128, terms: usize, at: usize): v128 {
  const sum = i64x2.add(acc, v128.load(terms + at, 64));
  const low = v128.xor(sum, v128.load(SECRET + LOW_SECRET + at));
  const high = v128.xor(sum, v128.load(SECRET + HIGH_SECRET + at));
  const a = v128.shuffle<u32>(low, high, 0, 4, 1, 5);
  const b = v128.shuffle<u32>(low, high, 2, 6, 3, 7);
  const crossed = v128.shuffle<u32>(b, b, 2, 3, 0, 1);
  const mask = i64x2.splat(0xffffffff);
  const ll = i64x2.extmul_low_i32x4_u(a, b);
  const hh = i64x2.extmul_high_i32x4_u(a, b);
  const lh = i64x2.extmul_low_i32x4_u(a, crossed);
  const hl = i64x2.extmul_high_i32x4_u(a, crossed);
  const cross = i64x2.add(i64x2.add(i64x2.shr_u(ll, 32), v128.and(hl, mask)), lh);
  const upper = i64x2.add(i64x2.add(i64x2.shr_u(hl, 32), i64x2.shr_u(cross, 32)), hh);
  const lower = v128.or(i64x2.shl(cross, 32), v128.and(ll, mask));
  return v128.xor(upper, lower);
}
