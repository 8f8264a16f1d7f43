import { type Redistributor, sum, wholePages } from "./redistributor.js";

/** NOGRP-equal (GRP, section 4): all that is reclaimed, evenly to all members. */
export const equal: Redistributor = {
  name: "equal",
  share(members, reclaimed) {
    const total = sum(reclaimed);
    return wholePages(
      total,
      members.map(() => total / members.length),
    );
  },
};
