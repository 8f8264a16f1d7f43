import { existsSync } from "node:fs";
import path from "node:path";
import { PagekinError } from "../errors.js";
import type { Inputs } from "../system/inputs.js";
import { readTable } from "../text/read-csv.js";
import { parseDecimal } from "../text/values.js";
import { inFolder, pathsOf, type SourceName } from "./names.js";

/** An inventory: the sources it names, and the labels it gives to members. */
export interface Inventory {
  sources: SourceName[];
  /** Labels of members that are named without a path. */
  labels: Map<string, Record<string, string>>;
  /** Names of the label columns, in their order. */
  labelNames: string[];
}

const KNOWN = ["path", "member", "time_s"];
/** Columns of the tables that labels are appended to. */
const TAKEN = /^(__proto__|page_bytes|(zero_|nonzero_)?pages|contents|policy|group|.*_(pages|rate))$/;

/** Reads a CSV with the columns path, member, time_s (each may be missing or empty, not both of the first two), then labels. */
export async function readInventory(file: string, inputs: Inputs): Promise<Inventory> {
  const { columns, rows } = await readTable(file, inputs, "give the columns path, member, time_s and labels");
  const labelNames = columns.filter((name) => !KNOWN.includes(name));
  const taken = labelNames.find((name) => TAKEN.test(name));
  if (taken) {
    const hint = "that is a column of the tables: name it another way";
    throw new PagekinError(`no label can be called ${taken}`, { file, line: 1, hint });
  }
  const inventory: Inventory = { sources: [], labels: new Map(), labelNames };
  for (const [i, row] of rows.entries()) {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: i + 2, hint });
    const member = row.member || undefined;
    const labels = Object.fromEntries(labelNames.map((name) => [name, row[name] ?? ""]));
    const timeS = row.time_s ? parseDecimal(row.time_s) : undefined;
    if (row.time_s && timeS === undefined) throw fail(`time_s is "${row.time_s}"`, "give seconds, such as 15 or 0.5");
    if (row.path) {
      const folder = path.dirname(file);
      const named = pathsOf(row.path, (one) => existsSync(path.resolve(folder, one)));
      inventory.sources.push(inFolder({ ...named, member, timeS, labels }, folder));
    } else if (member) {
      inventory.labels.set(member, labels);
    } else {
      throw fail("neither path nor member is given", "fill one of the two columns");
    }
  }
  return inventory;
}
