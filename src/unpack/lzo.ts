// LZO1X without a header, as kdump has its pages. Format: Linux's Documentation/staging/lzo.rst. An instruction copies bytes
// of what is decoded already, from a distance back, and then up to three literals, whose number is in its low bits.

/** Distances from here on belong to far copies; exactly this one ends the stream. */
const FAR = 16384;
/** Shorter runs are copied faster byte by byte. */
const LONG_RUN = 48;

/** How many literals went before an instruction below 16: what it means depends on that. 1 to 3 stand for themselves. */
const NONE = 0;
const FOUR_OR_MORE = 4;

/** Decodes into a target that the stream must fill exactly; false if it is damaged. Nothing outside of both is touched. */
export function unlzo(data: Uint8Array, target: Uint8Array): boolean {
  const end = data.length;
  const room = target.length;
  let at = 0;
  let filled = 0;
  let before = NONE;
  // A first byte above 17 is a run of literals without an instruction before it.
  if (end > 0 && data[0] > 17) {
    const run = data[at++] - 17;
    if (run > end - at || run > room) return false;
    while (filled < run) target[filled++] = data[at++];
    before = Math.min(run, FOUR_OR_MORE);
  }
  while (at < end) {
    const code = data[at++];
    let length: number;
    let distance: number;
    let literals = code & 3;
    if (code >= 64) {
      if (at >= end) return false;
      length = (code >> 5) + 1;
      distance = (data[at++] << 3) + ((code >> 2) & 7) + 1;
    } else if (code >= 16) {
      // The low bits of the length; if they are all zero, it goes on: 255 for each zero byte, and the first other byte.
      const most = code >= 32 ? 31 : 7;
      length = code & most;
      if (length === 0) {
        const zeros = zerosAt(data, at);
        at += zeros;
        if (at >= end) return false;
        length = most + 255 * zeros + data[at++];
      }
      length += 2;
      if (end - at < 2) return false;
      const word = data[at] | (data[at + 1] << 8);
      at += 2;
      literals = word & 3;
      distance = word >> 2;
      if (code >= 32) distance++;
      else {
        distance += FAR + ((code & 8) << 11);
        if (distance === FAR) return length === 3 && at === end && filled === room;
      }
    } else if (before === NONE) {
      let run = code;
      if (run === 0) {
        const zeros = zerosAt(data, at);
        at += zeros;
        if (at >= end) return false;
        run = 15 + 255 * zeros + data[at++];
      }
      run += 3;
      if (run > end - at || run > room - filled) return false;
      if (run < LONG_RUN) for (let i = 0; i < run; i++) target[filled + i] = data[at + i];
      else target.set(data.subarray(at, at + run), filled);
      at += run;
      filled += run;
      before = FOUR_OR_MORE;
      continue;
    } else {
      if (at >= end) return false;
      const isThree = before === FOUR_OR_MORE;
      length = isThree ? 3 : 2;
      distance = (data[at++] << 2) + (code >> 2) + (isThree ? 2049 : 1);
    }
    if (distance > filled || length > room - filled || literals > end - at) return false;
    const from = filled - distance;
    if (length < LONG_RUN) for (let i = 0; i < length; i++) target[filled + i] = target[from + i];
    else repeat(target, from, filled, length);
    filled += length;
    if (literals > room - filled) return false;
    for (let i = 0; i < literals; i++) target[filled++] = data[at++];
    before = literals;
  }
  return false;
}

function zerosAt(data: Uint8Array, at: number): number {
  let end = at;
  while (end < data.length && data[end] === 0) end++;
  return end - at;
}

/** Copies bytes from further up; where they overlap, what was copied is copied again. */
function repeat(target: Uint8Array, from: number, to: number, length: number): void {
  const distance = to - from;
  if (distance === 1) {
    target.fill(target[from], to, to + length);
    return;
  }
  // What is there doubles with each copy.
  for (let done = 0; done < length; ) {
    const bytes = Math.min(distance + done, length - done);
    target.copyWithin(to + done, from, from + bytes);
    done += bytes;
  }
}
