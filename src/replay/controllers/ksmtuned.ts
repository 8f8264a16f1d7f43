// ksmtuned, the script that many distributions tune KSM with: it scans faster while the host has too little free memory.

import * as v from "valibot";
import { amount, count, period, size } from "../scenario/values.js";
import type { Controller, ControllerEntry, SettingsOf } from "./controller.js";
import { rangeFault, scanRange } from "./scan-range.js";

const GIB = 2 ** 30;
/** Its sleep is meant for a host of this memory. */
const USUAL_HOST = 16 * GIB;
const LEAST_SLEEP = 10;

/** Defaults are the script's. Its constant of 2048 is compared with KiB, whatever its comments say. */
const settings = {
  every: v.optional(period, "60s"),
  boost: v.optional(count(0), 300),
  decay: v.optional(count(0), 50),
  ...scanRange,
  sleep_millisecs: v.optional(count(0), 10),
  /** Memory that is to be free: a part of the host's in per cent, and a least amount. */
  thres_coef: v.optional(amount, 20),
  thres_const: v.optional(size, "2m"),
};

type Settings = SettingsOf<typeof settings>;

export const ksmtuned: ControllerEntry<typeof settings> = {
  name: "ksmtuned",
  settings,
  make,
  fault(own, { host }) {
    const fault = rangeFault(own);
    if (fault || host) return fault;
    return { what: "ksmtuned must know the host's memory", hint: "give host: {memory: 8g}" };
  },
};

function make(settings: Settings): Controller {
  let pages = 0;
  return {
    every: settings.every,
    decide(machine) {
      const { hostBytes: total = 0 } = machine;
      const threshold = Math.max((total * settings.thres_coef) / 100, settings.thres_const);
      const free = total - machine.usedBytes();
      const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
      const freeIs = `${mib(free)} free, threshold ${mib(threshold)}`;
      if (machine.committedBytes() + threshold < total && free > threshold) {
        machine.setRunning(false, `${freeIs}, and all that is committed fits`);
        return;
      }
      const change = free < threshold ? settings.boost : -settings.decay;
      pages = Math.min(settings.scan_max, Math.max(settings.scan_min, pages + change));
      const sleep = Math.max(LEAST_SLEEP, Math.floor((settings.sleep_millisecs * USUAL_HOST) / total));
      machine.setSleep(sleep, `a host of ${mib(total)}`);
      for (const speed of machine.speeds()) machine.setSpeed(speed, pages, freeIs);
      machine.setRunning(true, freeIs);
    },
  };
}
