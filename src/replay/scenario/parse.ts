// The text of a scenario → its runs, each a whole scenario; whatever is wrong has a line and a column.

import * as v from "valibot";
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { PagekinError, quoted } from "../../errors.js";
import type { Pause } from "../../system/pace.js";
import { mapInTurns } from "../../system/turns.js";
import { didYouMean } from "../../text/nearest.js";
import { isText } from "../../text/values.js";
import { knownKeys } from "./known-keys.js";
import { COMMON_KEYS, type Scenario, SHORT_KEYS, scenarioSchema, variationSchema } from "./schema.js";

/** Where something stands in a scenario: keys, and numbers of list items. */
export type Path = readonly (string | number)[];

/** Something is wrong with what stands at a path of the scenario. */
export class ScenarioFault extends Error {
  constructor(
    readonly path: Path,
    what: string,
    readonly hint: string | undefined,
  ) {
    super(what);
  }
}

export interface RunScenario {
  /** `main`, `key=value,...` under vary, or its key under runs. */
  name: string;
  scenario: Scenario;
  /** What is its own, by key, as text. */
  settings: ReadonlyMap<string, string>;
  /** A fault as an error that tells its place. */
  place(fault: unknown): unknown;
}

type Values = Record<string, unknown>;

/** What a run replaces: the value at a path by the one that stands elsewhere. */
interface Override {
  path: Path;
  value: unknown;
  from: Path;
}

const MAIN = "main";
const HINT = "see docs/replay.md";

/** The parser takes a scenario as a whole, and no signal gets through meanwhile. */
export const MOST_SCENARIO_BYTES = 256 * 1024;
const MOST_RUNS = 4096;
/** Values of all runs together, those that they have in common counted in each. */
const MOST_VALUES = 2 ** 21;

/** file: where the text is from; undefined: errors tell no place in it. */
export async function parseScenario(text: string, file: string | undefined, pause: Pause): Promise<RunScenario[]> {
  const lines = new LineCounter();
  // The parser itself compares each key with all before it.
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error", uniqueKeys: false });
  const errorAt = (what: string, offset: number, hint = HINT) => {
    if (file === undefined) return new PagekinError(what, { hint });
    const { line, col } = lines.linePos(offset);
    return new PagekinError(what, { file, line, column: col, hint });
  };
  const [broken] = document.errors;
  if (broken?.code === "MULTIPLE_DOCS") throw errorAt("several YAML documents, one is expected", broken.pos[0]);
  if (broken?.code === "RESOURCE_EXHAUSTION") throw errorAt("nested too deeply", broken.pos[0]);
  if (broken) throw errorAt(`not valid YAML: ${quoted(broken.message.split(" at line ")[0], 120)}`, broken.pos[0]);
  checkNodes(document, errorAt);
  const offset = (path: Path, key = false) => offsetOf(document.contents, path, key);
  const values = valuesOf(document, (what) => errorAt(what, 0));
  const variation = v.safeParse(variationSchema, values);
  if (!variation.success) throw issueError(variation.issues[0], (path) => path, offset, errorAt);
  const { vary } = variation.output;
  const runs = variation.output.runs && inOrder(variation.output.runs, document.get("runs", true));
  const { vary: _, runs: __, ...base } = values;
  const variants = variantsOf(vary, runs, (path, what) => errorAt(what, offset(path, true)));
  const valuesOfAll = variants.length * countValues(base, MOST_VALUES);
  if (valuesOfAll > MOST_VALUES) {
    const what = `${variants.length} runs of a scenario of that size are more than ${MOST_VALUES} values`;
    throw errorAt(what, 0, "make several scenarios of it");
  }
  return mapInTurns(
    variants,
    ({ name, overrides, settings }) => {
      const origin = (path: Path): Path => {
        const override = overrides.find((one) => isBeginning(one.path, path));
        if (override) return [...override.from, ...path.slice(override.path.length)];
        // What a dotted path makes by the way stands nowhere else.
        const inner = isThere(base, path) ? undefined : overrides.find((one) => isBeginning(path, one.path));
        return inner?.from ?? path;
      };
      const parsed = v.safeParse(scenarioSchema, overrides.reduce(replaced, base));
      if (!parsed.success) throw issueError(parsed.issues[0], origin, offset, errorAt);
      const place = (fault: unknown) =>
        fault instanceof ScenarioFault ? errorAt(fault.message, offset(origin(fault.path)), fault.hint) : fault;
      return { name, scenario: parsed.output, settings, place };
    },
    pause,
  );
}

type ErrorAt = (what: string, offset: number) => PagekinError;

/** Texts must be Unicode, keys be there once, and aliases name an anchor before them that does not hold them. */
function checkNodes(document: Document, errorAt: ErrorAt): void {
  const anchors = new Map<string, Node>();
  const note = (node: Node & { anchor?: string | undefined }) => {
    if (node.anchor) anchors.set(node.anchor, node);
  };
  visit(document, {
    Value: (_, node) => note(node),
    Map: (_, map) => {
      note(map);
      keepKeys(map, errorAt);
    },
    Scalar: (_, scalar) => {
      note(scalar);
      const { value, range } = scalar;
      if (typeof value === "string" && !isText(value)) throw errorAt("this is not Unicode text", range?.[0] ?? 0);
    },
    Alias: (_, { source, range }, path) => {
      const anchored = anchors.get(source);
      const at = range?.[0] ?? 0;
      if (!anchored) throw errorAt(`there is no &${quoted(source)} before`, at);
      if (path.includes(anchored)) throw errorAt(`&${quoted(source)} contains itself`, at);
    },
  });
}

/** Keys may be names: `007` and `1e3` are no numbers, and each is there once. */
function keepKeys({ items }: YAMLMap, errorAt: ErrorAt): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) throw errorAt("a key is expected to be a text", (key as Node | null)?.range?.[0] ?? 0);
    if (typeof key.value !== "string") key.value = key.source ?? String(key.value);
    const name = String(key.value);
    if (seen.has(name)) throw errorAt(`duplicate key ${quoted(name)}`, key.range?.[0] ?? 0);
    seen.add(name);
  }
}

/** Objects have keys that look like numbers before all others; the file's order counts. */
function inOrder<T>(map: ReadonlyMap<string, T>, node: unknown): ReadonlyMap<string, T> {
  if (!isMap(node)) return map;
  const places = new Map(node.items.map(({ key }, place) => [String(key), place]));
  const placeOf = ([key]: [string, T]) => places.get(key) ?? places.size;
  return new Map([...map].sort((a, b) => placeOf(a) - placeOf(b)));
}

/** How many values there are in a value, itself among them; an alias may make them many more than the text has. */
function countValues(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const part of Object.values(value)) {
    count += countValues(part, most - count);
    if (count > most) break;
  }
  return count;
}

const isBeginning = (beginning: Path, path: Path) =>
  beginning.length <= path.length && beginning.every((part, i) => part === path[i]);

function isThere(values: unknown, [key, ...rest]: Path): boolean {
  if (key === undefined) return true;
  if (typeof values !== "object" || values === null || !Object.hasOwn(values, key)) return false;
  return isThere((values as Values)[key], rest);
}

function valuesOf(document: ReturnType<typeof parseDocument>, fail: (what: string) => PagekinError): Values {
  let values: unknown;
  try {
    values = document.toJS() ?? {};
  } catch (error) {
    throw fail(`not valid YAML: ${quoted((error as Error).message, 120)}`);
  }
  if (typeof values === "object" && !Array.isArray(values)) return values as Values;
  throw fail("expected a mapping: a scenario is a YAML file");
}

interface Variant {
  name: string;
  overrides: Override[];
  settings: ReadonlyMap<string, string>;
}

function variantsOf(
  vary: ReadonlyMap<string, unknown[]> | undefined,
  runs: ReadonlyMap<string, ReadonlyMap<string, unknown>> | undefined,
  fail: (path: Path, what: string) => PagekinError,
): Variant[] {
  if (vary && runs) throw fail(["runs"], "vary and runs cannot stand together");
  const tooMany = (key: string, count: number) =>
    fail([key], `there are ${count} runs; a scenario may have ${MOST_RUNS}`);
  if (runs) {
    if (runs.size > MOST_RUNS) throw tooMany("runs", runs.size);
    return [...runs].map(([name, own]) => ({
      name,
      overrides: [...own].map(([key, value]) => {
        if (COMMON_KEYS.includes(key)) throw fail(["runs", name, key], `${key} is the same for all runs`);
        return { path: [key], value, from: ["runs", name, key] };
      }),
      settings: new Map([...own].map(([key, value]) => [key, shown(value)])),
    }));
  }
  const count = [...(vary?.values() ?? [])].reduce((product, list) => product * list.length, 1);
  if (count > MOST_RUNS) throw tooMany("vary", count);
  let variants: Variant[] = [{ name: MAIN, overrides: [], settings: new Map() }];
  for (const [key, list] of vary ?? []) {
    const path = key.split(".");
    if (COMMON_KEYS.includes(path[0])) throw fail(["vary", key], `${path[0]} is the same for all runs`);
    const texts = new Set<string>();
    const twice = list.findIndex((value) => texts.size === texts.add(shown(value)).size);
    if (twice >= 0) throw fail(["vary", key, twice], `${quoted(shown(list[twice]))} appears twice`);
    variants = variants.flatMap(({ overrides, settings }) =>
      list.map((value, i) => {
        const all = new Map([...settings, [key, shown(value)]]);
        return {
          name: [...all].map(([varied, text]) => `${varied}=${text}`).join(","),
          overrides: [...overrides, { path, value, from: ["vary", key, i] }],
          settings: all,
        };
      }),
    );
  }
  const names = variants.map(({ name }) => name);
  if (new Set(names).size < names.length) throw fail(["vary"], "two runs have the same name: name them under runs");
  return variants;
}

/** A value as names and tables have it: YAML's short form. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(",")}]`;
  if (value === null || typeof value !== "object") return String(value);
  const parts = Object.entries(value).map(([key, part]) => `${key}:${shown(part)}`);
  return `{${parts.join(",")}}`;
}

/** A copy in which the value at a path is another. */
function replaced(values: Values, { path: [key, ...rest], value }: Override): Values {
  if (rest.length === 0) return { ...values, [key]: value };
  const isShort = typeof values[key] === "string" && SHORT_KEYS.includes(String(key));
  const inner = isShort ? { kind: values[key] } : values[key];
  const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  return { ...values, [key]: replaced(isObject ? (inner as Values) : {}, { path: rest, value, from: [] }) };
}

interface Issue {
  type: string;
  expected: string | null;
  message: string;
  path?: readonly { type: string; key?: unknown; input?: unknown }[] | undefined;
}

function issueError(
  issue: Issue,
  origin: (path: Path) => Path,
  offset: (path: Path, key?: boolean) => number,
  errorAt: (what: string, offset: number, hint?: string) => PagekinError,
): PagekinError {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  const list = issue.path?.findIndex(({ type, input }) => type !== "array" && Array.isArray(input)) ?? -1;
  if (list >= 0)
    return errorAt(
      `${nameOf(path.slice(0, list))}: expected a mapping, not a list`,
      offset(origin(path.slice(0, list))),
    );
  if (issue.type === "strict_object" && issue.expected === "never") {
    const [key] = path.slice(-1);
    const keys = knownKeys(scenarioSchema, path.slice(0, -1));
    const known = path.length > 1 ? keys : [...keys, ...Object.keys(variationSchema.entries)];
    return errorAt(
      `unknown key ${quoted(key)}`,
      offset(origin(path), true),
      known.length > 0 ? didYouMean(String(key), known) : HINT,
    );
  }
  const missing = /^Invalid key: Expected "(.*)" but received undefined$/.exec(issue.message);
  if (missing) return errorAt(`${nameOf(path.slice(0, -1))}: ${missing[1]} is missing`, offset(origin(path)));
  const kind = /^Invalid type: Expected (Object|Array) but received/.exec(issue.message)?.[1];
  const what = kind ? `expected a ${kind === "Array" ? "list" : "mapping"}` : quoted(issue.message, 120);
  return errorAt(`${nameOf(path)}: ${what}`, offset(origin(path)));
}

const nameOf = (path: Path) => quoted(path.join(".")) || "the scenario";

/** Where the value of a path stands, or its key; where there is none, the innermost of what holds it. */
function offsetOf(root: Node | null, path: Path, key: boolean): number {
  let node = root;
  for (const [depth, part] of path.entries()) {
    let inner: Node | null | undefined;
    if (isMap<Node, Node>(node)) {
      const pair = node.items.find((item) => String(item.key) === String(part));
      if (pair && key && depth === path.length - 1) return pair.key.range?.[0] ?? 0;
      inner = pair?.value;
    } else if (isSeq<Node>(node)) {
      inner = node.items[Number(part)];
    }
    if (!inner) break;
    node = inner;
  }
  return node?.range?.[0] ?? 0;
}
