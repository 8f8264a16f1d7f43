// The documents that all four programs read: made-up words in simple HTML, always the same.

const DOCUMENTS = 1000;
const WORDS = 12_000;
const SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za bre cla dri flo gru".split(" ");

/** Marsaglia's xorshift32; gives whole numbers below `limit`. */
function generator(seed) {
  let x = seed;
  return (limit) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % limit;
  };
}

/** About 2 MiB of text. */
export function writeDocuments() {
  const below = generator(2463534242);
  const words = Array.from({ length: WORDS }, () =>
    Array.from({ length: 1 + below(4) }, () => SYLLABLES[below(SYLLABLES.length)]).join(""),
  );
  // Few words are frequent and many rare, as in a language.
  const word = () => words[below(1 + below(1 + below(WORDS)))];
  const sentence = () => Array.from({ length: 5 + below(12) }, word).join(" ");
  const lines = ["<html><body>"];
  for (let number = 0; number < DOCUMENTS; number++) {
    lines.push(`<article id="d${number}" class="${word()}">`, `<h2>${sentence()}</h2>`);
    for (let left = 4 + below(12); left > 0; left--) {
      lines.push(
        `<p class="c${below(40)}">${sentence()}, <a href="#d${below(DOCUMENTS)}">${word()}</a> ${sentence()}.</p>`,
      );
    }
    lines.push("</article>");
  }
  lines.push("</body></html>", "");
  return lines.join("\n");
}
