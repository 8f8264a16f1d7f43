// Every redistributor. A new one is a file beside this one and an entry in this list, from which schema and errors follow.

import * as v from "valibot";
import { listed } from "../../text/list.js";
import { period } from "../scenario/values.js";
import { entitlement } from "./entitlement.js";
import { equal } from "./equal.js";
import { group } from "./group.js";
import { none } from "./none.js";
import type { Redistributor } from "./redistributor.js";

const REDISTRIBUTORS: readonly Redistributor[] = [none, equal, entitlement, group];

const names = REDISTRIBUTORS.map(({ name }) => name);

export const redistributeSchema = v.strictObject({
  kind: v.picklist(names, `${listed(names, "or")} is expected`),
  every: v.optional(period, "1s"),
});

export function redistributorNamed(kind: string): Redistributor {
  return REDISTRIBUTORS.find(({ name }) => name === kind) ?? none;
}
