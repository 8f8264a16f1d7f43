import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseString } from "fast-csv";
import { fromSystem, PagekinError } from "../errors.js";
import { parseSeconds, type SourceName } from "./names.js";

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
export async function readInventory(file: string): Promise<Inventory> {
  const inventory: Inventory = { sources: [], labels: new Map(), labelNames: [] };
  let line = 1;
  const fail = (what: string, hint: string) => new PagekinError(what, { file, line, hint });
  try {
    const stat = statSync(file);
    // Reading a pipe here would wait, deaf to signals.
    if (!stat.isFile() && !stat.isDirectory()) throw fail("is no plain file", "write the inventory to a file");
    const rows = parseString<Record<string, string>, Record<string, string>>(readFileSync(file, "utf8"), {
      headers: true,
      trim: true,
      ignoreEmpty: true,
    });
    rows.once("headers", (headers: string[]) => {
      inventory.labelNames = headers.filter((name) => !KNOWN.includes(name));
    });
    for await (const row of rows as AsyncIterable<Record<string, string>>) {
      const taken = inventory.labelNames.find((name) => TAKEN.test(name));
      if (taken) throw fail(`no label can be called ${taken}`, "that is a column of the tables: name it another way");
      line++;
      const member = row.member || undefined;
      const labels = Object.fromEntries(inventory.labelNames.map((name) => [name, row[name] ?? ""]));
      const timeS = row.time_s ? parseSeconds(row.time_s) : undefined;
      if (row.time_s && timeS === undefined) throw fail(`time_s is "${row.time_s}"`, "give seconds, such as 15 or 0.5");
      if (row.path) {
        inventory.sources.push({ path: path.resolve(path.dirname(file), row.path), member, timeS, labels });
      } else if (member) {
        inventory.labels.set(member, labels);
      } else {
        throw fail("neither path nor member is given", "fill one of the two columns");
      }
    }
  } catch (error) {
    const known = fromSystem(error, file);
    if (known instanceof PagekinError) throw known;
    throw fail(`not a readable CSV: ${(error as Error).message}`, "give a header and rows of as many columns");
  }
  if (inventory.sources.length + inventory.labels.size === 0) {
    throw new PagekinError("the inventory has no rows", {
      file,
      hint: "give the columns path, member, time_s and labels",
    });
  }
  return inventory;
}
