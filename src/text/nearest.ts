// What somebody may have meant: the nearest of the names there are.

import { quoted, quotedList } from "../errors.js";

/** Longer names are nobody's mistyped ones. */
const MOST_LENGTH = 64;

/** Which of the names is so near to a text that it is likely meant; undefined: none. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  if (given.length > MOST_LENGTH) return undefined;
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    if (name.length > MOST_LENGTH) continue;
    const distance = distanceOf(given.toLowerCase(), name.toLowerCase());
    const longer = Math.max(given.length, name.length);
    if (distance <= Math.ceil(longer * 0.4) && distance < longer && distance < (best?.distance ?? Infinity))
      best = { name, distance };
  }
  return best?.name;
}

/** A hint: the name that is likely meant, else which ones there are. shown: how a name is written. */
export function didYouMean(
  given: string,
  known: readonly string[],
  shown: (name: string) => string = (name) => name,
): string {
  const name = nearest(given, known);
  return name === undefined ? `there are ${quotedList(known.map(shown))}` : `did you mean ${quoted(shown(name))}?`;
}

/** Changes of a letter, and of two neighbours, that make one text of the other; a beginning of it is one change away. */
function distanceOf(a: string, b: string): number {
  if (Math.min(a.length, b.length) > 2 && (a.startsWith(b) || b.startsWith(a))) return a === b ? 0 : 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2] + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
