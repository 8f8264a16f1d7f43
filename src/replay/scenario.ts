// A scenario: what is replayed, by which rules, until when. YAML, checked key by key; docs/replay.md.

import * as v from "valibot";
import { isMap, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { PagekinError } from "../errors.js";

const SIZES: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };
/** In a second: the clock of a replay counts whole ones. */
export const NANOSECONDS = 1e9;

/** Bytes from 4096 or 4k. */
const size = v.pipe(
  v.union([v.number(), v.string()], "a size is expected, such as 4k"),
  v.transform((value) => {
    const match = /^(\d+)([kmg])?$/i.exec(String(value));
    return match ? Number(match[1]) * (SIZES[(match[2] ?? "").toLowerCase()] ?? 1) : Number.NaN;
  }),
  v.check((bytes) => Number.isSafeInteger(bytes), "a size is expected, such as 4k"),
);

/** Nanoseconds from 0.5, 20ms, 10s, 2m, 1h; plain numbers are seconds. */
const time = v.pipe(
  v.union([v.number(), v.string()], "a time is expected, such as 10s"),
  v.transform((value) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(value));
    return match ? Math.round(Number(match[1]) * SECONDS[match[2] ?? "s"] * NANOSECONDS) : Number.NaN;
  }),
  v.check((ns) => Number.isSafeInteger(ns), "a time is expected, such as 20ms, 10s or 2m"),
);

const count = (least: number) =>
  v.pipe(
    v.number(`a whole number from ${least} is expected`),
    v.integer(`a whole number from ${least} is expected`),
    v.minValue(least, `a whole number from ${least} is expected`),
  );

/** A number of the cost model. */
const price = v.pipe(v.number("a number is expected"), v.minValue(0, "a number from 0 is expected"));

const flag = v.pipe(
  v.union([v.boolean(), v.literal(0), v.literal(1)], "true or false is expected"),
  v.transform((value) => Boolean(value)),
);

const weight = v.pipe(
  v.number("a weight from 0 to 10 is expected"),
  v.minValue(0, "a weight from 0 to 10 is expected"),
  v.maxValue(10, "a weight from 0 to 10 is expected"),
);

const RULES = ["linux-2.6.36", "linux-3.6", "linux-6.1", "linux-6.11", "off"] as const;

const until = v.pipe(
  v.union([v.number(), v.string()], "a time, N passes or rest is expected"),
  v.transform((value): Until | undefined => {
    if (value === "rest") return { kind: "rest" };
    const passes = /^(\d+) passes$/.exec(String(value));
    if (passes) return { kind: "passes", passes: Number(passes[1]) };
    const parsed = v.safeParse(time, value);
    return parsed.success ? { kind: "time", ns: parsed.output } : undefined;
  }),
  v.check((value) => value !== undefined, "a time such as 400s, N passes or rest is expected"),
  v.transform((value) => value as Until),
);

export type Until = { kind: "rest" } | { kind: "passes"; passes: number } | { kind: "time"; ns: number };

const group = v.strictObject({ pages_to_scan: v.optional(count(0)), weight: v.optional(weight) });

const schema = v.strictObject({
  sources: v.optional(v.array(v.string("a source is expected, such as vm1@0=a.parquet")), []),
  inventory: v.optional(v.string("a file is expected")),
  page_size: v.optional(size, 4096),
  policy: v.optional(v.string("a policy is expected, such as by:tenant"), "one-group"),
  until: v.optional(until, "rest"),
  sample: v.optional(v.pipe(time, v.minValue(1, "a time above 0 is expected")), 1),
  changes: v.optional(v.picklist(["at-snapshot", "spread"], "at-snapshot or spread is expected"), "at-snapshot"),
  seed: v.optional(count(0), 1),
  events: v.optional(v.string("a file is expected")),
  scanner: v.optional(
    v.strictObject({
      rules: v.optional(v.picklist(RULES, `one of ${RULES.join(", ")} is expected`), "linux-6.11"),
      threads: v.optional(v.picklist(["per-group", "one"], "per-group or one is expected"), "per-group"),
      pages_to_scan: v.optional(count(0), 100),
      sleep_millisecs: v.optional(count(0), 20),
      max_page_sharing: v.optional(count(2), 256),
      use_zero_pages: v.optional(flag, false),
      smart_scan: v.optional(flag),
      stable_node_chains_prune_millisecs: v.optional(count(0), 2000),
      cpu: v.optional(v.picklist(["free", "modelled"], "free or modelled is expected"), "free"),
    }),
    {},
  ),
  groups: v.optional(v.record(v.string(), group), {}),
  schedule: v.optional(
    v.array(
      v.union(
        [
          v.strictObject({
            at: time,
            group: v.string(),
            pages_to_scan: v.optional(count(0)),
            weight: v.optional(weight),
          }),
          v.strictObject({ at: time, member: v.string(), group: v.string() }),
        ],
        "at, group and pages_to_scan or weight are expected, or at, member and group",
      ),
    ),
    [],
  ),
  cost: v.optional(
    v.strictObject({
      visit_us: v.optional(price, 0.39),
      skip_us: v.optional(price, 0.28),
      checksum_us: v.optional(price, 0.69),
      compare_us: v.optional(price, 0.33),
      merge_us: v.optional(price, 1.6),
      cow_us: v.optional(price, 1),
    }),
    {},
  ),
});

/** Times are nanoseconds, sizes bytes. */
export type Scenario = v.InferOutput<typeof schema>;

/** A scenario from its text; what is wrong in it is an error with line and column. */
export function parseScenario(text: string, file: string): Scenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (what: string, offset: number) => {
    const { line, col } = lines.linePos(offset);
    return new PagekinError(what, { file, line, column: col, hint: "see docs/replay.md" });
  };
  const [broken] = document.errors;
  if (broken) throw fail(`not valid YAML: ${broken.message.split(" at line ")[0]}`, broken.pos[0]);
  const result = v.safeParse(schema, document.toJS() ?? {});
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = (issue.path ?? []).map(({ key }) => key);
  const unknown = issue.type === "strict_object" && issue.expected === "never";
  const offset = offsetOf(document.contents, path, unknown);
  if (unknown) throw fail(`there is no key ${String(path[path.length - 1])}`, offset);
  throw fail(`${path.join(".") || "the scenario"}: ${issue.message}`, offset);
}

/** Where the value of a path stands, or its key. */
function offsetOf(root: Node | null, path: readonly unknown[], key: boolean): number {
  let node = root;
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = (node as YAMLMap<Node, Node>).items.find((item) => String(item.key) === String(part));
      if (!pair) break;
      if (key && depth === path.length - 1) return pair.key.range?.[0] ?? 0;
      node = pair.value;
    } else {
      node = ((node as { items?: Node[] } | null)?.items?.[Number(part)] ?? null) as Node | null;
    }
  }
  return node?.range?.[0] ?? 0;
}
