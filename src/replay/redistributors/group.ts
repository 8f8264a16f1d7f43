import { type Redistributor, wholePages } from "./redistributor.js";

/** GRP (section 3.2): what a group reclaims, evenly to its own members. */
export const group: Redistributor = {
  name: "group",
  share(members, reclaimed) {
    const given = members.map(() => 0);
    for (const [number, pages] of reclaimed.entries()) {
      const own = members.flatMap((member, i) => (member.group === number ? [i] : []));
      const parts = wholePages(
        pages,
        own.map(() => pages / own.length),
      );
      own.forEach((member, i) => {
        given[member] = parts[i];
      });
    }
    return given;
  },
};
