// What somebody may have meant.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { didYouMean, nearest } from "../../src/text/nearest.js";

const word = fc.stringMatching(/^[a-z]{5,12}$/);

/** A word with one thing wrong: a letter less, one more, another one, or two neighbours changed. */
const mistyped = word.chain((name) =>
  fc
    .tuple(fc.nat(name.length - 2), fc.constantFrom("less", "more", "other", "swapped"), fc.constantFrom(..."xyz0-"))
    .map(([at, how, letter]) => {
      const [before, behind] = [name.slice(0, at), name.slice(at)];
      if (how === "less") return [name, before + behind.slice(1)];
      if (how === "more") return [name, before + letter + behind];
      if (how === "other") return [name, before + letter + behind.slice(1)];
      return [name, before + behind[1] + behind[0] + behind.slice(2)];
    }),
);

test("a word with one letter wrong is met with the word", () => {
  fc.assert(
    fc.property(mistyped, ([name, given]) => {
      expect(nearest(given, [name, "q"])).toBe(name);
      expect(nearest(given.toUpperCase(), [name])).toBe(name);
    }),
  );
});

test("nothing is suggested that is as far as any other word", () => {
  fc.assert(
    fc.property(word, (name) => {
      const other = [...name].map((letter) => (letter === "z" ? "a" : "z")).join("");
      expect(nearest(other, [name])).toBe(undefined);
    }),
  );
});

test("of several the nearest is meant, and the beginning of a name is near", () => {
  expect(nearest("polcy", ["pages", "policy", "police"])).toBe("policy");
  expect(nearest("output", ["force", "out", "quiet"])).toBe("out");
  expect(nearest("pag", ["force", "page-size"])).toBe("page-size");
});

test("a long text is nobody's mistake, and takes no time", () => {
  expect(nearest("a".repeat(10_000_000), ["a", "b".repeat(10_000_000)])).toBe(undefined);
});

test("a hint has the name, or the names there are", () => {
  expect(didYouMean("analise", ["analyze", "compare"])).toBe("did you mean analyze?");
  expect(didYouMean("xx", ["analyze", "compare"], (name) => `--${name}`)).toBe("there are --analyze, --compare");
});
