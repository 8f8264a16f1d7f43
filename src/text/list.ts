/** Words as a sentence has them: `a, b and c`. */
export function listed(words: readonly string[], last: "and" | "or"): string {
  const rest = words.slice(0, -1);
  return rest.length === 0 ? words.join() : `${rest.join(", ")} ${last} ${words[words.length - 1]}`;
}
