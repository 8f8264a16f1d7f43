import { PagekinError } from "../errors.js";
import { groupBy } from "../sharing/grouping.js";
import { labelOf } from "../spectrum/spectrum.js";
import type { Grouper, PolicyEntry } from "./policy.js";

const LABEL = "salt";
const NO_SALT = "0";

/**
 * VMware ESXi's page sharing by salt (Mem.ShareForceSalting, KB 2097593); the label is `salt`. Mode 0: salts are ignored, all
 * share. Mode 1: members of the same salt share; without one the salt is 0, so those share with each other. Mode 2 (the
 * default of ESXi): the same, but a member without a salt shares with itself alone.
 */
export const esxSalting: PolicyEntry = {
  name: "esx-salting",
  forms: ["esx-salting:0|1|2"],
  make(mode) {
    if (/^[012]$/.test(mode)) return { kind: "grouping", group: groupBySalt(mode) };
    throw new PagekinError("esx-salting has the modes 0, 1 and 2", { hint: "give one of them" });
  },
};

function groupBySalt(mode: string): Grouper {
  return ({ members }) => {
    if (mode === "0") return groupBy(members.map(() => "all"));
    const salts = members.map((one) => labelOf(one, LABEL) || (mode === "1" ? NO_SALT : undefined));
    // A member alone may have the name of a salt.
    const keys = salts.map((salt, i) => (salt === undefined ? `member ${members[i].member}` : `salt ${salt}`));
    return groupBy(keys, (key) => key.slice(key.indexOf(" ") + 1));
  };
}
