import { existsSync } from "node:fs";
import path from "node:path";
import { PagekinError, quoted } from "../errors.js";
import type { Inputs } from "../system/inputs.js";
import { columnsText } from "../text/csv-header.js";
import { type CsvRow, lineOf, readTable } from "../text/read-csv.js";
import { parseDecimal } from "../text/values.js";
import { inFolder, type LabelValues, nameOfDump, pathsOf, type SourceName } from "./names.js";

/** An inventory: the sources it names, and the labels it gives to members. */
export interface Inventory {
  sources: SourceName[];
  /** Labels of members that are named without a path: at one time, or at all times. */
  labels: { member: string; timeS: number | undefined; labels: LabelValues }[];
  /** Names of the label columns, in their order. */
  labelNames: string[];
}

const KNOWN = ["path", "member", "time_s"];
/** Columns of the tables that labels are appended to. */
const TAKEN = /^(page_bytes|(zero_|nonzero_)?pages|contents|policy|group|group_number|.*_(pages|rate))$/;

/** Reads a CSV with the columns path, member, time_s (each may be missing or empty, not both of the first two), then labels. */
export async function readInventory(file: string, inputs: Inputs): Promise<Inventory> {
  const { columns, rows } = await readTable(file, inputs, "give the columns path, member, time_s and labels");
  if (!columns.includes("path") && !columns.includes("member")) throw noColumns(columns, file);
  const labelNames = columns.filter((name) => !KNOWN.includes(name));
  refuseMistyped(columns, labelNames, file);
  const taken = labelNames.find((name) => TAKEN.test(name));
  if (taken) {
    const hint = "that is a column of the tables: name it another way";
    throw new PagekinError(`no label can be called ${quoted(taken)}`, { file, line: 1, hint });
  }
  const inventory: Inventory = { sources: [], labels: [], labelNames };
  const named = new NamedOnce(file);
  for (const row of rows) {
    const fail = (what: string, hint: string) => new PagekinError(what, { file, line: lineOf(row), hint });
    const member = cellOf(row, "member") || undefined;
    const labels = Object.fromEntries(labelNames.map((name) => [name, row[name]]));
    const time = cellOf(row, "time_s").trim();
    const timeS = time === "" ? undefined : parseDecimal(time);
    if (time !== "" && timeS === undefined)
      throw fail(`time_s is "${quoted(time)}"`, "give seconds, such as 15 or 0.5");
    const text = cellOf(row, "path");
    if (text !== "") {
      const folder = path.dirname(file);
      const paths = pathsOf(text, (one) => existsSync(path.resolve(folder, one)));
      const source = inFolder({ ...paths, member, timeS, labels }, folder);
      if (labelNames.length > 0) named.withPath(nameOfDump(source).member, row);
      inventory.sources.push(source);
    } else if (member) {
      named.alone(member, timeS, row);
      inventory.labels.push({ member, timeS, labels });
    } else {
      throw fail("neither path nor member is given", "fill one of the two columns");
    }
  }
  return inventory;
}

/** What people call the columns. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  path: ["file", "filename", "dump", "source", "trace", "image"],
  member: ["name", "vm", "domain", "guest", "host", "id", "process", "pid"],
  time_s: ["time", "timestamp", "seconds", "t"],
};

function noColumns(columns: readonly string[], file: string): PagekinError {
  const renamed = KNOWN.flatMap((known) => {
    const column = columns.find((one) => [plain(known), ...SYNONYMS[known]].includes(plain(one)));
    return column === undefined ? [] : [`${quoted(column)} to ${known}`];
  });
  const hint =
    renamed.length > 0 ? `rename ${renamed.join(", ")}` : "name one path (files) or member (to label members)";
  return new PagekinError(`no column path or member: ${columnsText(columns)}`, { file, line: 1, hint });
}

/** A column that is one of pagekin's but for a letter would be a label, and its values without effect. */
function refuseMistyped(columns: readonly string[], labelNames: readonly string[], file: string): void {
  for (const label of labelNames) {
    const known = KNOWN.find((one) => !columns.includes(one) && isMistyped(label, one));
    if (known === undefined) continue;
    throw new PagekinError(`unknown column ${quoted(label)}`, { file, line: 1, hint: `did you mean ${known}?` });
  }
}

const isMistyped = (label: string, known: string) =>
  plain(label) === plain(known) ||
  plain(label) === `${plain(known)}s` ||
  (known === "time_s" && plain(label) === "time");

const plain = (column: string) => column.toLowerCase().replace(/[^a-z]/g, "");

const cellOf = (row: CsvRow, column: string): string => (Object.hasOwn(row, column) ? row[column] : "");

/** A member has its labels in the rows of its paths, or in rows of its own, there once for each time. */
class NamedOnce {
  private readonly paths = new Map<string, CsvRow>();
  private readonly members = new Map<string, CsvRow>();
  private readonly snapshots = new Map<string, CsvRow>();

  constructor(private readonly file: string) {}

  withPath(member: string, row: CsvRow): void {
    const other = this.members.get(member);
    if (other) throw this.twice(member, other, row);
    this.paths.set(member, row);
  }

  alone(member: string, timeS: number | undefined, row: CsvRow): void {
    const key = JSON.stringify([member, timeS]);
    const other = this.paths.get(member) ?? this.snapshots.get(key);
    if (other) throw this.twice(member, other, row);
    this.members.set(member, row);
    this.snapshots.set(key, row);
  }

  private twice(member: string, other: CsvRow, row: CsvRow): PagekinError {
    return new PagekinError(`duplicate member ${quoted(member)} (also in line ${lineOf(other)})`, {
      file: this.file,
      line: lineOf(row),
      hint: "give its labels once: in the rows with its paths, or in a row without",
    });
  }
}
