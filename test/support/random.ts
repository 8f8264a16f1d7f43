// Random bytes from a seed, so that a failing test fails again.

/** Fills words with Marsaglia's xorshift32 sequence that starts at a seed; none of them is zero. */
export function fillRandom(words: Int32Array, seed: number): void {
  // Every seed but 0 is a state; neighbouring seeds start far apart.
  let x = Math.imul(seed, 0x9e3779b1) || 1;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
}

/** Random bytes; the number is a multiple of 4. */
export function randomBytes(bytes: number, seed: number): Buffer {
  const words = new Int32Array(bytes / 4);
  fillRandom(words, seed);
  return Buffer.from(words.buffer);
}

/** Numbers from 0 to below `end`, one after the other. */
export function randomNumbers(seed: number): (end: number) => number {
  const words = new Int32Array(1);
  let state = seed;
  return (end) => {
    fillRandom(words, state);
    state = words[0];
    return (state >>> 0) % end;
  };
}
