// The settings of a scenario's scanner.

import * as v from "valibot";
import { count, flag } from "./values.js";

export const RULES = ["linux-2.6.36", "linux-3.6", "linux-6.1", "linux-6.11", "off"] as const;
export const DEFAULT_RULES = "linux-6.11";

/** The names of /sys/kernel/mm/ksm with the kernel's defaults, and what a replay adds. No default: it depends on the rules. */
export const scannerSchema = v.strictObject({
  rules: v.optional(v.picklist(RULES, `one of ${RULES.join(", ")} is expected`), DEFAULT_RULES),
  threads: v.optional(v.picklist(["per-group", "one"], "per-group or one is expected"), "per-group"),
  cpu: v.optional(v.picklist(["free", "modelled"], "free or modelled is expected"), "free"),
  run: v.optional(count(0, 2), 1),
  pages_to_scan: v.optional(count(0), 100),
  sleep_millisecs: v.optional(count(0), 20),
  merge_across_nodes: v.optional(
    v.pipe(
      flag,
      v.check((across) => across, "1 is expected: NUMA nodes are not replayed; make groups of them by policy"),
    ),
    true,
  ),
  max_page_sharing: v.optional(count(2, 2 ** 31 - 1)),
  use_zero_pages: v.optional(flag),
  smart_scan: v.optional(flag),
  stable_node_chains_prune_millisecs: v.optional(count(0), 2000),
  advisor_mode: v.optional(v.picklist(["none", "scan-time"], "none or scan-time is expected"), "none"),
  advisor_max_cpu: v.optional(count(0, 100), 70),
  advisor_min_pages_to_scan: v.optional(count(1), 500),
  advisor_max_pages_to_scan: v.optional(count(1), 30000),
  advisor_target_scan_time: v.optional(count(1), 200),
});

export type ScannerSettings = v.InferOutput<typeof scannerSchema>;
