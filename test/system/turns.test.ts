// Work in turns comes to what it comes to in one go.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WakeUps } from "../../src/replay/wake-ups.js";
import { mapInTurns, sortInTurns } from "../../src/system/turns.js";
import { randomNumbers } from "../support/random.js";

/** Takes a turn at every second occasion. */
function pauses(): () => Promise<void> | undefined {
  let occasion = 0;
  return () => (++occasion % 2 === 0 ? Promise.resolve() : undefined);
}

describe("a sort in turns", () => {
  test.for([0, 1, 65_535, 65_536, 65_537, 131_072, 300_001])("of %s numbers", async (count) => {
    const below = randomNumbers(count + 1);
    const numbers = Float64Array.from({ length: count }, () => below(1000) - 500);
    const expected = numbers.slice().sort();
    await sortInTurns(numbers, undefined, pauses());
    expect(Buffer.from(numbers.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });

  test.for([3, 70_000, 200_000])("of %s numbers leaves equal ones in their order", async (count) => {
    const below = randomNumbers(count);
    const keys = Uint32Array.from({ length: count }, () => below(50));
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    const expected = [...order].sort((a, b) => keys[a] - keys[b]);
    await sortInTurns(order, (a, b) => keys[a] - keys[b], pauses());
    expect([...order]).toEqual(expected);
  });
});

test("a map in turns", async () => {
  const items = Array.from({ length: 5000 }, (_, i) => i);
  expect(await mapInTurns(items, (item, i) => item * i, pauses())).toEqual(items.map((item) => item * item));
});

test("threads wake by their times, those of one time by their numbers", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(5)), { maxLength: 200 }), (sleeps) => {
      const wakeUps = new WakeUps();
      const plain = new Map<number, number>();
      for (let thread = 0; thread < 8; thread++) {
        wakeUps.add(thread, 0);
        plain.set(thread, 0);
      }
      // Some wake, and sleep again or for good.
      for (const [sleep, ends] of sleeps) {
        const [next] = [...plain].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
        expect(wakeUps.nextAt).toBe(next?.[1] ?? Infinity);
        if (!next) return;
        expect(wakeUps.take()).toBe(next[0]);
        plain.delete(next[0]);
        if (ends === 0) continue;
        wakeUps.add(next[0], next[1] + sleep);
        plain.set(next[0], next[1] + sleep);
      }
    }),
  );
});
