/** In a second: the clock of a replay counts whole ones. */
export const NANOSECONDS = 1e9;
