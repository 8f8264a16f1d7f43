/** How many cases of a property are tried: all of them in test:full, where all-cases.ts is imported, else a third. */
export const cases = (all: number): number => (process.env.PAGEKIN_TEST_CASES === "all" ? all : Math.ceil(all / 3));
