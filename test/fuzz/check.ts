// Reads a file from end to end, a dump as `inspect` does, and says what is wrong with how that went.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Hasher } from "../../src/core/hasher.js";
import { compileCore } from "../../src/core/module.js";
import { ledgerOf } from "../../src/dumps/ledger.js";
import { EXIT, fromSystem, PagekinError } from "../../src/errors.js";
import { hashAll } from "../../src/fingerprints/segments.js";
import { type DumpSettings, layoutOf, openDump, openSettings, USUAL_DUMPS } from "../../src/sources/open-dump.js";
import { isTrace, lookAt } from "../../src/sources/source.js";
import { Inputs } from "../../src/system/inputs.js";
import { jsonText } from "../../src/text/json.js";
import type { Case } from "./mutate.js";
import type { Base, Subject } from "./subjects.js";

const LEDGER_PAGE = 4096;
const MOST_CHARACTERS = 300;

interface Reading {
  /** What is in the tables: the same of files that hold the same. */
  tables: string;
  pages: number;
  absent: number;
  notes: readonly string[];
}

/** Messages about a file as a whole, or about another one: there is no place in it to name. */
const WITHOUT_OFFSET = [
  /: is empty;/,
  /: the map has \d+ pages, the dump \d+;/,
  /: this is a compressed Parquet trace;/,
  /: this is not a CSV trace;/,
  /pagekin does not read this format;/,
  /: is compressed three times;/,
  /: unpacks to more than 1 TiB;/,
];

/** What is wrong with an error as one of bad input: it is one clean line of some length that names a file. */
function faultOfError(error: unknown): string | undefined {
  if (!(error instanceof PagekinError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { line, exitCode, place } = error;
  if (exitCode !== EXIT.input) return `exit code ${exitCode}: ${line}`;
  if (/\p{Cc}/u.test(line)) return `no clean line: ${JSON.stringify(line)}`;
  if (place.file === undefined) return `no file is named: ${line}`;
  return line.length > MOST_CHARACTERS ? `a line of ${line.length} characters: ${line.slice(0, 500)}` : undefined;
}

/** What is wrong with a case, if anything is; and whether the file could be read. */
export interface Verdict {
  wrong: string | undefined;
  read: boolean;
}

/** Gives cases to what reads them. */
export async function inputChecker(door: NonNullable<Subject["door"]>, folder: string) {
  const read = await door(folder);
  const file = path.join(folder, "case");
  return async ({ bytes }: Case): Promise<Verdict> => {
    writeFileSync(file, bytes);
    try {
      await read(file);
    } catch (error) {
      return { wrong: faultOfError(fromSystem(error, file)), read: false };
    }
    return { wrong: undefined, read: true };
  };
}

export class DumpChecker {
  private readonly hasher = new Hasher(compileCore(), [LEDGER_PAGE]);
  private readonly wholes = new Map<Base, Map<string, Reading>>();

  constructor(private readonly folder: string) {}

  async check(one: Case): Promise<Verdict> {
    let reading: Reading;
    try {
      reading = await this.read(one);
    } catch (error) {
      return { wrong: this.faultOfError(error), read: false };
    }
    return { wrong: one.onlyCut ? await this.faultOfCut(one, reading) : undefined, read: true };
  }

  private async read({ bytes, resident, allowTruncated, ranges, format }: Case): Promise<Reading> {
    const file = path.join(this.folder, "case");
    writeFileSync(file, bytes);
    const settings: DumpSettings = { ...USUAL_DUMPS, allowTruncated, ranges, format };
    if (resident) {
      writeFileSync(path.join(this.folder, "map"), resident);
      settings.resident = new Map([["", path.join(this.folder, "map")]]);
    }
    try {
      return await this.readFile(file, settings);
    } catch (error) {
      throw fromSystem(error, file);
    }
  }

  private async readFile(file: string, settings: DumpSettings): Promise<Reading> {
    const inputs = new Inputs();
    const source = await lookAt({ path: file }, inputs, settings.format);
    if (isTrace(source)) throw new PagekinError("a trace, at 0x0", { file });
    const { input, notes: known, fileNotes, details, close } = await openDump(source, openSettings(settings, inputs));
    const notes = [...known, ...fileNotes];
    const { hasher } = this;
    const sum = createHash("sha1");
    const counts = { bytes: 0, wholeBytes: 0, zeroBytes: 0 };
    try {
      await hashAll(input, hasher, {
        onBytes: () => {},
        onNote: (note) => notes.push(note),
        onSegment: ({ bytes, wholeBytes, zeroBytes, runs }) => {
          counts.bytes += bytes;
          counts.wholeBytes += wholeBytes;
          counts.zeroBytes += zeroBytes;
          sum.update(hasher.toBlock(false).entries).update(JSON.stringify(runs()));
        },
      });
    } finally {
      close();
    }
    const ledger = ledgerOf(counts, layoutOf(input));
    const fields = Object.entries(ledger);
    const odd = fields.find(([, bytes]) => !Number.isSafeInteger(bytes) || bytes < 0);
    if (odd) throw new Error(`the ledger has ${odd.join(" ")}`);
    const { nonzero_bytes = 0, stored_zero_bytes = 0, elided_zero_bytes = 0, tail_bytes = 0 } = ledger;
    const described = layoutOf(input)?.describedBytes ?? counts.bytes;
    if (nonzero_bytes + stored_zero_bytes + elided_zero_bytes + tail_bytes !== described)
      throw new Error(`the ledger is not the sum of ${described} bytes: ${JSON.stringify(ledger)}`);
    const long = notes.find((note) => note.includes("\n") || note.length > 2000);
    if (long !== undefined) throw new Error(`a note is no sentence: ${long}`);
    jsonText(details);
    return {
      pages: counts.wholeBytes / LEDGER_PAGE,
      tables: JSON.stringify([source.format, ledger, sum.digest("hex")]),
      absent: ledger.absent_bytes ?? 0,
      notes,
    };
  }

  /** A cut file has the same tables as the whole one, says what is missing, or has it as absent. */
  private async faultOfCut(one: Case, { tables, pages, absent, notes }: Reading): Promise<string | undefined> {
    const { base, bytes, allowTruncated, ranges } = one;
    // Without a page there is no rate; the first bytes of a signature are no signature.
    if (pages === 0 || bytes.length === base.bytes.length || base.ends?.(bytes.length)) return undefined;
    const key = `${allowTruncated} ${ranges}`;
    const known = this.wholes.get(base) ?? new Map<string, Reading>();
    this.wholes.set(base, known);
    const whole = known.get(key) ?? (await this.read({ ...one, bytes: base.bytes }));
    known.set(key, whole);
    if (tables === whole.tables) return undefined;
    const saysMore = notes.some((note) => !whole.notes.includes(note));
    // Where nobody has allowed it, only a note will do: a file may end where it looks whole.
    const isSaid = saysMore || (allowTruncated && absent > whole.absent);
    return isSaid ? undefined : `cut to ${bytes.length} of ${base.bytes.length} bytes it does not say what is missing`;
  }

  private faultOfError(error: unknown): string | undefined {
    const fault = faultOfError(error);
    if (fault !== undefined || !(error instanceof PagekinError)) return fault;
    const { line } = error;
    if (!line.includes(this.folder)) return `another file is named: ${line}`;
    const hasPlace = / at 0x[0-9a-f]+/.test(line) || WITHOUT_OFFSET.some((text) => text.test(line));
    return hasPlace ? undefined : `no offset: ${line}`;
  }
}
