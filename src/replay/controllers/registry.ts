// Every controller by its name; a new one is a file beside this one and two lines here.

import * as v from "valibot";
import { type AdvisorSettings, advisor, advisorSchema } from "./advisor.js";
import type { Controller } from "./controller.js";
import { fixed, fixedSchema } from "./fixed.js";
import { ksmtuned, ksmtunedSchema } from "./ksmtuned.js";
import { reclaimRate, reclaimRateSchema } from "./reclaim-rate.js";
import { semma, semmaSchema } from "./semma.js";

export const controllerSchema = v.variant(
  "kind",
  [fixedSchema, semmaSchema, ksmtunedSchema, advisorSchema, reclaimRateSchema],
  "fixed, semma, ksmtuned, advisor or reclaim-rate is expected",
);

export type ControllerSettings = v.InferOutput<typeof controllerSchema>;

interface Controlled {
  controller?: ControllerSettings | undefined;
  scanner: AdvisorSettings & { advisor_mode: "none" | "scan-time" };
}

/** What sets speeds in a scenario: its controller, or the kernel's own mode. */
export function controllerKind({ controller, scanner }: Controlled): ControllerSettings["kind"] {
  return scanner.advisor_mode === "scan-time" ? "advisor" : (controller?.kind ?? "fixed");
}

export function makeController({ controller: settings, scanner }: Controlled): Controller {
  if (scanner.advisor_mode === "scan-time") return advisor(scanner);
  if (!settings) return fixed();
  if (settings.kind === "semma") return semma(settings);
  if (settings.kind === "ksmtuned") return ksmtuned(settings);
  if (settings.kind === "advisor") return advisor(scanner);
  if (settings.kind === "reclaim-rate") return reclaimRate(settings);
  return fixed();
}
