import type { ControllerEntry } from "./controller.js";

/** Decides nothing: speeds stay as the scenario gives them. */
export const fixed: ControllerEntry = { name: "fixed", settings: {}, make: () => ({}) };
