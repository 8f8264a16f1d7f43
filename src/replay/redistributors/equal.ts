// NOGRP-equal (GRP, section 4): all that is reclaimed, evenly to all members.

import { type Redistributor, sum, wholePages } from "./redistributor.js";

export const equal: Redistributor = (members, reclaimed) => {
  const total = sum(reclaimed);
  return wholePages(
    total,
    members.map(() => total / members.length),
  );
};
