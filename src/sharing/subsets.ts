// Frames of every subset of a few members (bit masks): time and memory double with each member.

/** By mask of 2^count: the contents that at least one of its members holds. masks, contents: of each set of holders. */
export function framesOfSubsets(count: number, masks: ArrayLike<number>, contents: Float64Array): Float64Array {
  const all = 2 ** count - 1;
  // By mask: contents that only its members hold. The frames of a mask are all contents but those of the other members alone.
  const within = new Float64Array(all + 1);
  for (let set = 0; set < contents.length; set++) within[masks[set]] += contents[set];
  for (let bit = 1; bit <= all; bit <<= 1) {
    for (let mask = 0; mask <= all; mask++) if (mask & bit) within[mask] += within[mask ^ bit];
  }
  return Float64Array.from(within, (_, mask) => within[all] - within[all ^ mask]);
}

export const maskOf = (members: Uint32Array): number => members.reduce((mask, member) => mask | (1 << member), 0);
