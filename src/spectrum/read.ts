import type { DecodedArray } from "hyparquet";
import * as v from "valibot";
import type { Vectors } from "../core/counts.js";
import { isPageSize } from "../core/hasher.js";
import type { FilePlace } from "../dumps/dump-file.js";
import { quoted } from "../errors.js";
import { isParquet, isSpectrum, missingColumns, openParquet } from "../parquet/file.js";
import { breathe } from "../system/pace.js";
import { inTurns } from "../system/turns.js";
import type { Spectrum } from "./spectrum.js";

const COLUMNS = ["time_s", "page_bytes", "zero", "members", "copies", "contents"] as const;
const HINT = "write it again with pagekin analyze or compare";

const text = v.pipe(v.string(), v.minLength(1));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** By name. A record of valibot's own would leave out labels that are called like properties of all objects. */
const labelValues = v.pipe(
  v.custom<Record<string, unknown>>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
  v.check((labels) => Object.values(labels).every((value) => typeof value === "string")),
  v.transform((labels) => labels as Record<string, string>),
);
/** What the footer says under `pagekin.labels` and `pagekin.worlds`. */
const labelsSchema = v.array(text);
const notesSchema = v.array(text);
const worldsSchema = v.pipe(
  v.array(
    v.object({
      time_s: v.pipe(v.number(), v.minValue(0), v.finite()),
      members: v.pipe(v.array(v.object({ member: text, labels: labelValues })), v.minLength(1)),
      sizes: v.pipe(
        v.array(
          v.object({
            page_bytes: v.pipe(whole, v.check(isPageSize)),
            pages: v.array(whole),
            zero_pages: v.array(whole),
          }),
        ),
        v.minLength(1),
      ),
    }),
  ),
  v.minLength(1),
);

/** A saved spectrum: its worlds in the order of their times, at each page size. */
export interface SavedSpectrum {
  labelNames: string[];
  /** What is to be known of members, by their names. */
  notes: string[];
  spectra: Spectrum[];
}

/** Reads a saved spectrum; undefined where the file is something else. What contradicts itself is an error. */
export async function readSpectrum(place: FilePlace): Promise<SavedSpectrum | undefined> {
  if (!isParquet(place)) return undefined;
  const file = await openParquet(place);
  const fail = (what: string) => file.fail(what, HINT);
  try {
    if (!isSpectrum(file.metadata)) return undefined;
    const missing = missingColumns(file.metadata, COLUMNS);
    if (missing.length > 0) throw fail(`it has no column ${missing.join(", ")}`);
    const { labelNames, notes, building } = readFooter(
      new Map(file.metadata.key_value_metadata?.map(({ key, value }) => [key, value])),
      fail,
    );
    for (let group = 0; group < file.metadata.row_groups.length; group++) {
      const columns: DecodedArray[] = [];
      for (const column of COLUMNS) columns.push(await file.readGroup(group, column));
      await inTurns(columns[0].length, breathe, (from, to) => {
        for (let row = from; row < to; row++) {
          const [timeS, pageBytes, zero, members, copies, contents] = columns.map((column) => column[row]);
          const spectrum = building.get(`${timeS} ${pageBytes}`);
          if (!spectrum) throw fail(`its footer does not know time ${timeS} at ${pageBytes} bytes`);
          spectrum.add(zero, members, copies, contents);
        }
      });
    }
    return { labelNames, notes, spectra: [...building.values()].map((one) => one.finish()) };
  } catch (error) {
    throw file.known(error);
  } finally {
    file.close();
  }
}

type Fail = (what: string) => Error;

/** The footer's labels, and for each time and page size what is known before the rows. */
function readFooter(
  values: ReadonlyMap<string, string | undefined>,
  fail: Fail,
): { labelNames: string[]; notes: string[]; building: Map<string, Building> } {
  const parse = <T>(key: string, schema: v.GenericSchema<unknown, T>): T => {
    let value: unknown;
    try {
      value = JSON.parse(values.get(key) ?? "");
    } catch {
      throw fail(`${key} in its footer is no JSON`);
    }
    const result = v.safeParse(schema, value);
    if (!result.success) throw fail(`${key} in its footer is not what it should be`);
    return result.output;
  };
  const labelNames = parse("pagekin.labels", labelsSchema);
  const notes = values.has("pagekin.notes") ? parse("pagekin.notes", notesSchema) : [];
  if (new Set(labelNames).size < labelNames.length) throw fail("its footer names a label twice");
  const none = Object.fromEntries(labelNames.map((name) => [name, ""]));
  const building = new Map<string, Building>();
  let lastTime = -1;
  for (const { time_s: timeS, members: named, sizes } of parse("pagekin.worlds", worldsSchema)) {
    if (timeS <= lastTime) throw fail(`time ${timeS} in its footer is not behind the one before`);
    lastTime = timeS;
    const members = named.map(({ member, labels }) => ({ member, labels: { ...none, ...labels } }));
    if (new Set(members.map(({ member }) => member)).size < members.length)
      throw fail("its footer names a member twice");
    let lastSize = 0;
    for (const { page_bytes: pageBytes, pages, zero_pages: zeroPages } of sizes) {
      const isWhole = pages.length === members.length && zeroPages.length === members.length;
      if (!isWhole || pageBytes <= lastSize || zeroPages.some((count, member) => count > pages[member])) {
        throw fail(`what its footer says of time ${timeS} at ${pageBytes} bytes contradicts itself`);
      }
      lastSize = pageBytes;
      building.set(`${timeS} ${pageBytes}`, new Building({ timeS, pageBytes, members, pages, zeroPages }, fail));
    }
  }
  return { labelNames, notes, building };
}

/** A spectrum of which row after row comes in. */
class Building {
  private readonly numbers: Map<string, number>;
  private readonly sizes: number[] = [];
  private readonly holders: number[] = [];
  private readonly copies: number[] = [];
  private readonly contents: number[] = [];
  /** By member: pages that the rows account for, and zero ones. */
  private readonly sums: Float64Array;
  private readonly zeros: Float64Array;

  constructor(
    private readonly spectrum: Omit<Spectrum, "vectors">,
    private readonly fail: Fail,
  ) {
    const { members } = spectrum;
    this.numbers = new Map(members.map(({ member }, number) => [member, number]));
    this.sums = new Float64Array(members.length);
    this.zeros = new Float64Array(members.length);
  }

  add(zero: unknown, members: unknown, copies: unknown, contents: unknown): void {
    const { fail } = this;
    if (typeof zero !== "boolean") throw fail("column zero holds something that is not true or false");
    const count = Number(contents);
    if (!Array.isArray(members) || !Array.isArray(copies) || members.length !== copies.length || members.length === 0) {
      throw fail("a row has no members, or not as many copies");
    }
    if (!(Number.isSafeInteger(count) && count >= 1)) throw fail(`a row has ${contents} contents`);
    let last = -1;
    for (const [i, member] of members.entries()) {
      const number = this.numbers.get(member);
      if (number === undefined) throw fail(`its footer does not know member ${quoted(member)}`);
      if (number <= last) throw fail("the members of a row are not in the order of the footer's");
      last = number;
      const held = Number(copies[i]);
      if (!(Number.isSafeInteger(held) && held >= 1 && held < 2 ** 32)) throw fail(`a row has ${copies[i]} copies`);
      this.sums[number] += held * count;
      if (zero) this.zeros[number] += held * count;
      else this.put(number, held);
    }
    if (zero) return;
    this.sizes.push(members.length);
    this.contents.push(count);
  }

  private put(holder: number, copies: number): void {
    this.holders.push(holder);
    this.copies.push(copies);
  }

  /** The rows must account for the pages that the footer tells of each member. */
  finish(): Spectrum {
    const { spectrum, sizes, fail } = this;
    const { members, pages, zeroPages } = spectrum;
    const wrong = members.findIndex((_, i) => this.sums[i] !== pages[i] || this.zeros[i] !== zeroPages[i]);
    if (wrong >= 0) throw fail(`the contents of member ${quoted(members[wrong].member)} do not sum up to its pages`);
    const starts = new Uint32Array(sizes.length + 1);
    sizes.forEach((size, vector) => {
      starts[vector + 1] = starts[vector] + size;
    });
    const vectors: Vectors = {
      starts,
      holders: Uint32Array.from(this.holders),
      copies: Uint32Array.from(this.copies),
      contents: Float64Array.from(this.contents),
    };
    return { ...spectrum, vectors };
  }
}
