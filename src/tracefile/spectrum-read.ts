import type { Vectors } from "../core/vectors.js";
import type { Opened } from "../sources/open.js";
import { isSpectrum, missingColumns, openParquet } from "./parquet-file.js";
import type { FooterWorld, Spectrum } from "./spectrum.js";

const COLUMNS = ["time_s", "page_bytes", "zero", "members", "copies", "contents"] as const;
const HINT = "write it again with pagekin analyze or compare";

/** A saved spectrum: its worlds in the order of their times, at each page size. */
export interface SavedSpectrum {
  labelNames: string[];
  spectra: Spectrum[];
}

/** Reads a saved spectrum; undefined where the file is something else. */
export async function readSpectrum(opened: Opened): Promise<SavedSpectrum | undefined> {
  const file = await openParquet(opened);
  const fail = (what: string) => file.fail(what, HINT);
  try {
    if (!isSpectrum(file.metadata)) return undefined;
    const missing = missingColumns(file.metadata, COLUMNS);
    if (missing.length > 0) throw fail(`it has no column ${missing.join(", ")}`);
    const text = new Map(file.metadata.key_value_metadata?.map(({ key, value }) => [key, value]));
    const worlds = parse<FooterWorld[]>(text.get("pagekin.worlds"), fail);
    const labelNames = parse<string[]>(text.get("pagekin.labels"), fail);
    const building = new Map<string, Building>();
    for (const world of worlds) {
      const members = world.members;
      const numbers = new Map(members.map(({ member }, number) => [member, number]));
      for (const { page_bytes: pageBytes, pages, zero_pages: zeroPages } of world.sizes) {
        const spectrum = { timeS: world.time_s, pageBytes, members, pages, zeroPages };
        building.set(`${world.time_s} ${pageBytes}`, {
          spectrum,
          numbers,
          sizes: [],
          holders: [],
          copies: [],
          contents: [],
        });
      }
    }
    for (let group = 0; group < file.metadata.row_groups.length; group++) {
      const columns = await Promise.all(COLUMNS.map((column) => file.readGroup(group, column)));
      for (let row = 0; row < columns[0].length; row++) {
        const [timeS, pageBytes, zero, members, copies, contents] = columns.map((column) => column[row]);
        const spectrum = building.get(`${timeS} ${pageBytes}`);
        if (!spectrum) throw fail(`its footer does not know time ${timeS} at ${pageBytes} bytes`);
        if (!zero) addVector(spectrum, members, copies, Number(contents), fail);
      }
    }
    return { labelNames, spectra: [...building.values()].map((one) => finish(one, fail)) };
  } catch (error) {
    throw file.known(error);
  } finally {
    file.close();
  }
}

interface Building {
  spectrum: Omit<Spectrum, "vectors">;
  numbers: Map<string, number>;
  sizes: number[];
  holders: number[];
  copies: number[];
  contents: number[];
}

type Fail = (what: string) => Error;

function parse<T>(text: string | undefined, fail: Fail): T {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw fail("its footer is damaged");
  }
}

function addVector(to: Building, members: string[], copies: number[], contents: number, fail: Fail): void {
  if (members.length !== copies.length) throw fail("a row has more members than copies, or fewer");
  to.sizes.push(members.length);
  to.contents.push(contents);
  for (const [i, member] of members.entries()) {
    const number = to.numbers.get(member);
    if (number === undefined) throw fail(`its footer does not know member ${member}`);
    to.holders.push(number);
    to.copies.push(copies[i]);
  }
}

function finish({ spectrum, sizes, holders, copies, contents }: Building, fail: Fail): Spectrum {
  const starts = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, vector) => {
    starts[vector + 1] = starts[vector] + size;
  });
  const vectors: Vectors = {
    starts,
    holders: Uint32Array.from(holders),
    copies: Uint32Array.from(copies),
    contents: Float64Array.from(contents),
  };
  checkSums(spectrum, vectors, fail);
  return { ...spectrum, vectors };
}

/** The copies of all contents must be the pages that the footer tells of each member. */
function checkSums({ members, pages, zeroPages }: Building["spectrum"], vectors: Vectors, fail: Fail): void {
  const { starts, holders, copies, contents } = vectors;
  const sums = Float64Array.from(zeroPages);
  for (let vector = 0; vector < contents.length; vector++) {
    for (let at = starts[vector]; at < starts[vector + 1]; at++) sums[holders[at]] += copies[at] * contents[vector];
  }
  const wrong = sums.findIndex((sum, member) => sum !== pages[member]);
  if (wrong >= 0) throw fail(`the contents of member ${members[wrong].member} do not sum up to its pages`);
}
