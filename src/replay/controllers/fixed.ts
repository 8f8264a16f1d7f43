// Nothing is decided: speeds stay as the scenario gives them.

import * as v from "valibot";
import type { Controller } from "./controller.js";

export const fixedSchema = v.strictObject({ kind: v.literal("fixed") });

export function fixed(): Controller {
  return {};
}
