import { expect } from "vitest";
import { compareWorlds } from "../support/compare.js";
import { test } from "../support/folder.js";
import { range, worldOf } from "../support/policy-worlds.js";

test("of more than 100 pairs of groups those are there that recover most, in the order of the groups", async ({
  folder,
}) => {
  const names = Array.from({ length: 16 }, (_, i) => `m${i}`);
  const pages = new Map(names.map((name, i) => [name, [i + 1]]));
  // Each of 120 pairs has some contents in common that nobody else has: 0 to 16, mixed up.
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => ({ a, b })));
  const recovered = pairs.map(({ a, b }, i) => {
    const contents = (i * 29) % 17;
    for (const name of [a, b]) pages.get(name)?.push(...range(1000 * (i + 1), 1000 * (i + 1) + contents));
    return contents;
  });
  const { merges } = await compareWorlds(folder, [worldOf(Object.fromEntries(pages))], ["per-member"]);
  const rows = merges.filter(({ zero_pages }) => zero_pages === "counted");

  const places = rows.map(({ group_a, group_b }) => pairs.findIndex(({ a, b }) => a === group_a && b === group_b));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...new Set(places)].sort((x, y) => x - y));
  expect(rows.map((row) => Number(row.recovered_pages))).toEqual(places.map((place) => recovered[place]));
  const best = [...recovered].sort((x, y) => y - x).slice(0, 100);
  expect(rows.map((row) => Number(row.recovered_pages)).sort((x, y) => y - x)).toEqual(best);
});
