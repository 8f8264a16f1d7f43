import { type Redistributor, sum, wholePages } from "./redistributor.js";

/** NOGRP-SE (GRP, section 4; Satori): to each member in proportion to the pages that it shares. */
export const entitlement: Redistributor = {
  name: "entitlement",
  share(members) {
    const parts = members.map((member) => member.entitlement());
    // The parts of members that have just gone are nobody's, until the scan finds their pages gone.
    return wholePages(Math.round(sum(parts)), parts);
  },
};
