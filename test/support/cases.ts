const ALL = process.env.PAGEKIN_TEST_CASES === "all";

/** How many cases of a property are tried: all of them in test:full, where all-cases.ts is imported, else a third. */
export const cases = (all: number): number => (ALL ? all : Math.ceil(all / 3));

/** How far apart the places are that are damaged or cut: each one in test:full, else every third. */
export const STRIDE = ALL ? 1 : 3;
