// Every redistributor by its name; a new one is a file beside this one and a line here.

import * as v from "valibot";
import { period } from "../scenario/values.js";
import { entitlement } from "./entitlement.js";
import { equal } from "./equal.js";
import { group } from "./group.js";
import { none } from "./none.js";
import type { Redistributor } from "./redistributor.js";

export const REDISTRIBUTORS: Record<"none" | "equal" | "entitlement" | "group", Redistributor> = {
  none,
  equal,
  entitlement,
  group,
};

export const redistributeSchema = v.strictObject({
  kind: v.picklist(["none", "equal", "entitlement", "group"], "none, equal, entitlement or group is expected"),
  every: v.optional(period, "1s"),
});
