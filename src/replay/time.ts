/** In a second: the clock of a replay counts whole ones. */
export const NANOSECONDS = 1e9;

const DAY_NS = 86_400 * NANOSECONDS;
/** Up to there a number tells each nanosecond from the next. */
const MOST_DAYS = 100;
const MOST_NS = MOST_DAYS * DAY_NS;

/** Whether the clock of a replay goes so far. */
export const isOnClock = (ns: number): boolean => ns <= MOST_NS;

/** Why a time is not on the clock, and what to do. */
export const OFF_CLOCK = {
  what: `a replay begins at 0 s and lasts ${MOST_DAYS} days at most`,
  hint: "give times from the beginning of the replay, not from 1970",
} as const;
