import { groupBy, type Spectrum, score, viewOf } from "pagekin";
import { expect, test } from "vitest";

test.each([60, 2100])(
  "of %s members' tenants each pair counts once for a content, however many groups it meets in",
  (count) => {
    const all = Array.from({ length: count }, (_, member) => member);
    // Two contents that the first four hold, and three that all do.
    const holders = [[0, 1, 2, 3], all];
    const spectrum: Spectrum = {
      timeS: 0,
      pageBytes: 4096,
      members: all.map((member) => ({ member: `m${member}`, labels: {} })),
      pages: all.map((member) => (member < 4 ? 5 : 3)),
      zeroPages: all.map(() => 0),
      vectors: {
        starts: Uint32Array.of(0, 4, 4 + count),
        holders: Uint32Array.from(holders.flat()),
        copies: new Uint32Array(4 + count).fill(1),
        contents: Float64Array.of(2, 3),
      },
    };
    // Members of even and of odd number; two tenants have one of each, every other member is its own.
    const grouping = groupBy(all.map((member) => (member % 2 === 0 ? "even" : "odd")));
    const tenants = Uint32Array.from(all, (member) => (member < 4 ? member - (member % 2) : member));
    const pairs = 2 * (((count / 2) * (count / 2 - 1)) / 2) - 1;
    expect(score(viewOf(spectrum, "counted"), grouping, tenants)).toMatchObject({
      pages: 8 + 3 * count,
      frames: 10,
      saved: 8 + 3 * count - 10,
      exposure: { contents: 5, pages: 8 + 3 * count, pairs: 2 + 3 * pairs, byTwo: 2 },
    });
  },
);
