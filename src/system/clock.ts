/**
 * Milliseconds since some moment, by a clock that nobody can set: durations and deadlines go by it. `performance.now()`
 * would do the same, but loads a part of Node that costs more than it measures.
 */
export function clockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
