// One pass over the bytes of a dump: the fingerprint of every page of every size asked for, and the zero test.
// Fingerprints are written to one log a size; zero pages are counted and leave no entry.

import { TERMS_BYTES, addInnerKibs, digestOfPage, digestStart, finishKibs, isZeroKib, startAccumulators, termsOfKib } from "./xxh3";

/** Page sizes at one time: the powers of two from 1 KiB to 2 MiB. */
const MAX_SIZES: i32 = 12;
const BUCKETS: i32 = 256;
/** KiB whose terms are taken before any page is finished; pages up to this size need no accumulators in memory. */
const GROUP: u32 = 16;

// The state of one page size. 64 bytes of accumulators, then:
const START: usize = 64; // v128: start of the digest
const MASK: usize = 80; // u32: KiB in a page - 1
const SHIFT: usize = 84; // u32: log2 of the KiB in a page
const ZERO: usize = 88; // u32: 1 while the page has been zero
const LOG: usize = 92; // usize: next entry (16 bytes)
const PLACES: usize = 96; // usize: next place (u32)
const HISTOGRAM: usize = 100; // usize: entries by bucket (u32 x 256)
const PAGES: usize = 104; // u32: whole pages seen
const ZEROS: usize = 108; // u32: zero pages among them
const LOG_START: usize = 112; // usize
const PLACES_START: usize = 116; // usize
const HOLED: usize = 120; // u32: 1 if a part of the page is not there
const ZERO_FINGERPRINT: usize = 128; // v128: fingerprint of the zero page
const STATE_BYTES: i32 = 144;

const STATES: usize = memory.data(MAX_SIZES * STATE_BYTES, 16);
const HISTOGRAMS: usize = memory.data(MAX_SIZES * BUCKETS * 4, 16);
const TERMS: usize = memory.data(16 * TERMS_BYTES, 16);
const ZERO_TERMS: usize = memory.data(TERMS_BYTES, 16);
const ZERO_KIB: usize = memory.data(1024, 16);

/** Multipliers of buckets; these make the bucket the first byte of the canonical fingerprint. */
let lowBucketSeed: u64 = 0;
let highBucketSeed: u64 = 1;

let statesEnd: usize = STATES;
let kibAt: u32 = 0;
let pages4k: u32 = 0;
let zeroPages4k: u32 = 0;

/** Where memory that the module does not use itself begins. */
export function heapStart(): usize {
  return __heap_base;
}

/** Starts a new set of page sizes. */
export function clearSizes(): void {
  statesEnd = STATES;
  termsOfKib(ZERO_KIB, ZERO_TERMS);
}

/** Adds a page size of 2^shift KiB with its log of entries and its log of places. */
export function addSize(shift: u32, log: usize, places: usize): void {
  const s = statesEnd;
  store<u32>(s, (1 << shift) - 1, MASK);
  store<u32>(s, shift, SHIFT);
  v128.store(s, digestStart((1024 as u64) << shift), START);
  store<usize>(s, HISTOGRAMS + (s - STATES) / STATE_BYTES * (BUCKETS * 4), HISTOGRAM);
  store<usize>(s, log, LOG_START);
  store<usize>(s, places, PLACES_START);
  startAccumulators(s);
  for (let k: u32 = 1; k < 1 << shift; k++) addInnerKibs(s, ZERO_TERMS, 1);
  v128.store(s, finishKibs(s, ZERO_TERMS, 1, v128.load(s, START)), ZERO_FINGERPRINT);
  statesEnd = s + STATE_BYTES;
}

/** Empties the logs and counts. The next byte hashed is at the start of a page of every size. */
export function beginSegment(): void {
  kibAt = 0;
  pages4k = 0;
  zeroPages4k = 0;
  for (let s = STATES; s < statesEnd; s += STATE_BYTES) {
    store<usize>(s, load<usize>(s, LOG_START), LOG);
    store<usize>(s, load<usize>(s, PLACES_START), PLACES);
    store<u32>(s, 0, PAGES);
    store<u32>(s, 0, ZEROS);
    memory.fill(load<usize>(s, HISTOGRAM), 0, BUCKETS * 4);
  }
}

/** Hashes the next `kibs` KiB of the segment, at src; only the segment's last call may have a number that is not of groups. */
export function hash(src: usize, kibs: u32): void {
  while (kibs > 0) {
    const count = min(kibs, GROUP);
    hashGroup(src, (1 << count) - 1);
    src += (count as usize) << 10;
    kibs -= count;
    kibAt += count;
  }
}

/** The same for groups of which some KiB are not there: masks has a u16 for each, a bit for each KiB that is. */
export function hashPresent(src: usize, groups: u32, masks: usize): void {
  for (; groups > 0; groups--, masks += 2, src += (GROUP as usize) << 10, kibAt += GROUP) {
    const present = load<u16>(masks) as u32;
    if (present) hashGroup(src, present);
    else skipGroup();
  }
}

/** Passes over groups of which nothing is there. */
export function skip(groups: u32): void {
  for (; groups > 0; groups--, kibAt += GROUP) skipGroup();
}

function skipGroup(): void {
  for (let s = STATES; s < statesEnd; s += STATE_BYTES) {
    if (load<u32>(s, MASK) >= GROUP) store<u32>(s, 1, HOLED);
  }
}

/** Takes the terms of a group's KiB; gives a bit for each that is zero. */
function takeTerms(src: usize): u32 {
  let zeros: u32 = 0;
  for (let k: u32 = 0; k < GROUP; k++, src += 1024) {
    if (isZeroKib(src)) zeros |= 1 << k;
    else termsOfKib(src, TERMS + (k as usize) * TERMS_BYTES);
  }
  return zeros;
}

/** The same of those that are there. */
function takeTermsThere(src: usize, present: u32): u32 {
  let zeros: u32 = 0;
  for (let k: u32 = 0; k < GROUP; k++, src += 1024) {
    if (!((present >> k) & 1)) continue;
    if (isZeroKib(src)) zeros |= 1 << k;
    else termsOfKib(src, TERMS + (k as usize) * TERMS_BYTES);
  }
  return zeros;
}

/** A group of which the KiB that `present` has bits for are there. */
function hashGroup(src: usize, present: u32): void {
  const zeros = present == 0xffff ? takeTerms(src) : takeTermsThere(src, present);
  for (let k: u32 = 0; k < GROUP; k += 4) {
    if (((present >> k) & 15) == 15) pages4k++;
    if (((zeros >> k) & 15) == 15) zeroPages4k++;
  }
  if (zeros && zeros != 0xffff) {
    for (let k: u32 = 0; k < GROUP; k++) {
      if ((zeros >> k) & 1) memory.copy(TERMS + (k as usize) * TERMS_BYTES, ZERO_TERMS, TERMS_BYTES);
    }
  }
  for (let s = STATES; s < statesEnd; s += STATE_BYTES) {
    if (load<u32>(s, MASK) >= GROUP) partOfLargePage(s, present, zeros);
    else if (present == 0xffff) smallPages(s, zeros);
    else smallPagesThere(s, present, zeros);
  }
}

/** The pages of a size that fits into a group. */
function smallPages(s: usize, zeros: u32): void {
  const kibs = load<u32>(s, MASK) + 1;
  const shift = load<u32>(s, SHIFT);
  const all: u32 = (1 << kibs) - 1;
  const start = v128.load(s, START);
  const firstPlace = kibAt >> shift;
  const pages = GROUP >> shift;
  let zeroPages: u32 = 0;
  for (let page: u32 = 0, k: u32 = 0; page < pages; page++, k += kibs) {
    if (((zeros >> k) & all) == all) zeroPages++;
    else append(s, digestOfPage(TERMS + (k as usize) * TERMS_BYTES, kibs, start), firstPlace + page);
  }
  store<u32>(s, load<u32>(s, PAGES) + pages, PAGES);
  store<u32>(s, load<u32>(s, ZEROS) + zeroPages, ZEROS);
}

/** Those of them of which every KiB is there. */
function smallPagesThere(s: usize, present: u32, zeros: u32): void {
  const kibs = load<u32>(s, MASK) + 1;
  const shift = load<u32>(s, SHIFT);
  const all: u32 = (1 << kibs) - 1;
  const start = v128.load(s, START);
  const firstPlace = kibAt >> shift;
  const pages = GROUP >> shift;
  let whole: u32 = 0;
  let zeroPages: u32 = 0;
  for (let page: u32 = 0, k: u32 = 0; page < pages; page++, k += kibs) {
    if (((present >> k) & all) != all) continue;
    whole++;
    if (((zeros >> k) & all) == all) zeroPages++;
    else append(s, digestOfPage(TERMS + (k as usize) * TERMS_BYTES, kibs, start), firstPlace + page);
  }
  store<u32>(s, load<u32>(s, PAGES) + whole, PAGES);
  store<u32>(s, load<u32>(s, ZEROS) + zeroPages, ZEROS);
}

/** The part of a page of a group or more that a group is. */
function partOfLargePage(s: usize, present: u32, zeros: u32): void {
  const mask = load<u32>(s, MASK);
  const inPage = kibAt & mask;
  if (inPage == 0) {
    startAccumulators(s);
    store<u32>(s, 1, ZERO);
    store<u32>(s, 0, HOLED);
  }
  if (present != 0xffff) {
    store<u32>(s, 1, HOLED);
    return;
  }
  if (zeros == 0xffff) {
    for (let k: u32 = 0; k < GROUP; k++) memory.copy(TERMS + (k as usize) * TERMS_BYTES, ZERO_TERMS, TERMS_BYTES);
  } else {
    store<u32>(s, 0, ZERO);
  }
  if (inPage + GROUP <= mask) {
    addInnerKibs(s, TERMS, GROUP);
    return;
  }
  if (load<u32>(s, HOLED)) return;
  store<u32>(s, load<u32>(s, PAGES) + 1, PAGES);
  if (load<u32>(s, ZERO)) store<u32>(s, load<u32>(s, ZEROS) + 1, ZEROS);
  else append(s, finishKibs(s, TERMS, GROUP, v128.load(s, START)), kibAt >> load<u32>(s, SHIFT));
}

// @ts-ignore: decorator
@inline
function append(s: usize, fingerprint: v128, place: u32): void {
  const log = load<usize>(s, LOG);
  v128.store(log, fingerprint);
  store<usize>(s, log + 16, LOG);
  const places = load<usize>(s, PLACES);
  store<u32>(places, place);
  store<usize>(s, places + 4, PLACES);
  const bucket = bucketOf(v128.extract_lane<u64>(fingerprint, 0), v128.extract_lane<u64>(fingerprint, 1));
  const count = load<usize>(s, HISTOGRAM) + (bucket << 2);
  store<u32>(count, load<u32>(count) + 1);
}

// @ts-ignore: decorator
@inline
function bucketOf(low: u64, high: u64): usize {
  return ((low * lowBucketSeed + high * highBucketSeed) >> 56) as usize;
}

/** Sets the multipliers of buckets, for segments that are yet to begin: odd numbers (see seeds.ts), or 0 and 1. */
export function setBucketSeeds(low: u64, high: u64): void {
  lowBucketSeed = low;
  highBucketSeed = high;
}

/** The state of the page size that was added as number `size`. */
// @ts-ignore: decorator
@inline
function stateOf(size: u32): usize {
  return STATES + (size as usize) * STATE_BYTES;
}

/** A fingerprint as an entry holds it (low, high; little-endian) from its canonical form (big-endian), or back. */
// @ts-ignore: decorator
@inline
function reversed(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/** Appends `count` canonical fingerprints as pages of one size; that of the zero page counts as a zero page. */
export function appendCanonical(size: u32, src: usize, count: u32): void {
  const s = stateOf(size);
  const zero = v128.load(s, ZERO_FINGERPRINT);
  let zeros: u32 = 0;
  for (let end = src + ((count as usize) << 4); src < end; src += 16) {
    const fingerprint = reversed(v128.load(src));
    if (v128.any_true(v128.xor(fingerprint, zero))) append(s, fingerprint, 0);
    else zeros++;
  }
  store<u32>(s, load<u32>(s, PAGES) + count, PAGES);
  store<u32>(s, load<u32>(s, ZEROS) + zeros, ZEROS);
}

/**
 * The entry for a fingerprint of another tool, whose bits need not be spread evenly: mixed one to one (three rounds of a
 * Feistel network with the finalizer of MurmurHash3), so that buckets and tables fill evenly.
 */
// @ts-ignore: decorator
@inline
function mixed(src: usize): v128 {
  let low = load<u64>(src);
  let high = load<u64>(src, 8);
  high ^= mix64(low + 0x9e3779b97f4a7c15);
  low ^= mix64(high + 0xbf58476d1ce4e5b9);
  high ^= mix64(low + 0x94d049bb133111eb);
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}

/** Appends `count` fingerprints of another tool as pages of one size. */
export function appendForeign(size: u32, src: usize, count: u32): void {
  const s = stateOf(size);
  for (let end = src + ((count as usize) << 4); src < end; src += 16) append(s, mixed(src), 0);
  store<u32>(s, load<u32>(s, PAGES) + count, PAGES);
}

/** Writes the entry that appendForeign (foreign) or appendCanonical makes of a fingerprint. */
export function entryOf(src: usize, foreign: bool, dst: usize): void {
  v128.store(dst, foreign ? mixed(src) : reversed(v128.load(src)));
}

function mix64(x: u64): u64 {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

/** Writes the first `count` entries of a size's log in canonical form to dst. */
export function canonicalEntries(size: u32, dst: usize, count: u32): void {
  let src = load<usize>(stateOf(size), LOG_START);
  for (let end = dst + ((count as usize) << 4); dst < end; dst += 16, src += 16) v128.store(dst, reversed(v128.load(src)));
}

/** Writes the canonical fingerprint of a size's zero page to dst. */
export function zeroFingerprint(size: u32, dst: usize): void {
  v128.store(dst, reversed(v128.load(stateOf(size), ZERO_FINGERPRINT)));
}

/** Entries in the log of a size. */
export function entriesOf(size: u32): u32 {
  const s = stateOf(size);
  return ((load<usize>(s, LOG) - load<usize>(s, LOG_START)) >> 4) as u32;
}

/** Whole pages of a size in this segment. */
export function pagesOf(size: u32): u32 {
  return load<u32>(stateOf(size), PAGES);
}

/** Zero pages of a size in this segment. */
export function zeroPagesOf(size: u32): u32 {
  return load<u32>(stateOf(size), ZEROS);
}

/** Whole pages of 4 KiB in this segment, whatever the sizes asked for: the unit of the ledger. */
export function ledgerPages(): u32 {
  return pages4k;
}

/** Zero pages of 4 KiB in this segment, whatever the sizes asked for: the unit of the ledger. */
export function zeroLedgerPages(): u32 {
  return zeroPages4k;
}

/**
 * Places the entries of every size by bucket, in their order.
 * At dst: for each size 257 offsets (u32, in entries of that size); at entries: the entries of all sizes, one size
 * after the other; at places, unless it is 0: their places.
 */
export function scatter(dst: usize, entries: usize, places: usize): void {
  for (let s = STATES; s < statesEnd; s += STATE_BYTES) {
    const next = load<usize>(s, HISTOGRAM);
    let sum: u32 = 0;
    for (let b = 0; b < BUCKETS; b++) {
      const count = next + ((b as usize) << 2);
      const n = load<u32>(count);
      store<u32>(dst, sum);
      store<u32>(count, sum);
      sum += n;
      dst += 4;
    }
    store<u32>(dst, sum);
    dst += 4;
    let src = load<usize>(s, LOG_START);
    const end = load<usize>(s, LOG);
    if (places) {
      let place = load<usize>(s, PLACES_START);
      for (; src < end; src += 16, place += 4) {
        const to = next + (bucketOf(load<u64>(src), load<u64>(src, 8)) << 2);
        const at = load<u32>(to) as usize;
        store<u32>(to, (at as u32) + 1);
        v128.store(entries + (at << 4), v128.load(src));
        store<u32>(places + (at << 2), load<u32>(place));
      }
      places += (sum as usize) << 2;
    } else {
      for (; src < end; src += 16) {
        const to = next + (bucketOf(load<u64>(src), load<u64>(src, 8)) << 2);
        const at = load<u32>(to) as usize;
        store<u32>(to, (at as u32) + 1);
        v128.store(entries + (at << 4), v128.load(src));
      }
    }
    entries += (sum as usize) << 4;
  }
}
