// Every controller. A new one is a file beside this one and an entry in this list, from which schema and errors follow.

import * as v from "valibot";
import { listed } from "../../text/list.js";
import type { ScannerSettings } from "../scenario/scanner.js";
import { advisor } from "./advisor.js";
import type { Controller, ControllerEntry } from "./controller.js";
import { fixed } from "./fixed.js";
import { ksmtuned } from "./ksmtuned.js";
import { reclaimRate } from "./reclaim-rate.js";
import { semma } from "./semma.js";

const CONTROLLERS: readonly ControllerEntry[] = [fixed, semma, ksmtuned, advisor, reclaimRate];

const names = CONTROLLERS.map(({ name }) => name);

export const controllerSchema = v.variant(
  "kind",
  CONTROLLERS.map(({ name, settings }) => v.strictObject({ kind: v.literal(name), ...settings })),
  `${listed(names, "or")} is expected`,
);

interface Controlled {
  controller?: v.InferOutput<typeof controllerSchema> | undefined;
  scanner: ScannerSettings;
}

/** What sets speeds in a scenario: the kernel's own mode, or the controller that it names. */
export function controllerOf({ controller, scanner }: Controlled): ControllerEntry {
  if (scanner.advisor_mode === "scan-time") return advisor;
  return CONTROLLERS.find(({ name }) => name === controller?.kind) ?? fixed;
}

export function makeController(scenario: Controlled): Controller {
  return controllerOf(scenario).make(scenario.controller ?? {}, scenario.scanner);
}
