import { groupBy } from "../sharing/grouping.js";
import type { View } from "../sharing/view.js";
import type { Grouped } from "./policy.js";

const LABEL = "salt";
const NO_SALT = "0";

export type SaltingMode = 0 | 1 | 2;

/**
 * VMware ESXi's page sharing by salt (Mem.ShareForceSalting, KB 2097593); the label is `salt`. Mode 0: salts are ignored, all
 * share. Mode 1: members of the same salt share; without one the salt is 0, so those share with each other. Mode 2 (the
 * default of ESXi): the same, but a member without a salt shares with itself alone.
 */
export function esxSalting(mode: SaltingMode): (view: View) => Grouped {
  return ({ members }) => {
    if (mode === 0) return groupBy(members.map(() => "all"));
    const salts = members.map(({ labels }) => labels[LABEL] || (mode === 1 ? NO_SALT : undefined));
    // A member alone may have the name of a salt.
    const keys = salts.map((salt, i) => (salt === undefined ? `member ${members[i].member}` : `salt ${salt}`));
    return groupBy(keys, (key) => key.slice(key.indexOf(" ") + 1));
  };
}
