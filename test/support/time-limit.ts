/** Ends a test that hangs: many times what the longest one takes, as the machine may be busy with other things. */
export const MOST_MS = 600_000;
