// The order in which Python's random.Random(seed).shuffle leaves a list: worlds of the recordings were shuffled by it.

const SIZE = 624;
const MIDDLE = 397;

/** The Mersenne Twister (Matsumoto and Nishimura, mt19937ar.c), seeded by an array of one number as Python does. */
class Twister {
  private readonly state = new Uint32Array(SIZE);
  private at = SIZE;

  constructor(seed: number) {
    const { state } = this;
    state[0] = 19650218;
    const previous = (i: number) => state[i - 1] ^ (state[i - 1] >>> 30);
    for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1812433253, previous(i)) + i;
    let i = 1;
    const step = () => {
      if (++i < SIZE) return;
      state[0] = state[SIZE - 1];
      i = 1;
    };
    for (let k = SIZE; k > 0; k--, step()) state[i] = (state[i] ^ Math.imul(previous(i), 1664525)) + seed;
    for (let k = SIZE - 1; k > 0; k--, step()) state[i] = (state[i] ^ Math.imul(previous(i), 1566083941)) - i;
    state[0] = 0x80000000;
  }

  next(): number {
    const { state } = this;
    if (this.at === SIZE) {
      for (let i = 0; i < SIZE; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
        state[i] = state[(i + MIDDLE) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
}

export function shuffledAsPython<T>(list: readonly T[], seed: number): T[] {
  const twister = new Twister(seed);
  const shuffled = [...list];
  for (let last = list.length - 1; last > 0; last--) {
    // as many bits as last + 1 has, drawn anew while they make a number above last
    const unused = Math.clz32(last + 1);
    let other = twister.next() >>> unused;
    while (other > last) other = twister.next() >>> unused;
    [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
  }
  return shuffled;
}
