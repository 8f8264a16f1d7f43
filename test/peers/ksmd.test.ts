// What `--max-page-sharing` and `--use-zero-pages` say, beside recordings of the kernel's ksmd at rest.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder, removeFolder } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { writeGroups } from "../support/policy-worlds.js";
import { onlyRow, type Row, rowsOf } from "../support/table.js";

const RECORDINGS = fileURLToPath(new URL("../support/ksmd", import.meta.url));
const TRACES = fileURLToPath(new URL("../../traces", import.meta.url));

const recordings = rowsOf(RECORDINGS, "at-rest.csv");
const worlds: Record<string, Record<string, number>> = JSON.parse(
  readFileSync(path.join(RECORDINGS, "worlds.json"), "utf8"),
);

/** The traces of made worlds, as sources: the first at time 0, the next at 1, ... */
function writeTraces(folder: string): string[] {
  return Object.entries(worlds).flatMap(([world, members], timeS) => {
    const ids = gunzipSync(readFileSync(path.join(RECORDINGS, `${world}.ids.gz`)));
    let at = 0;
    return Object.entries(members).map(([member, pages]) => {
      let rows = "page_bytes,page,fingerprint,zero\n";
      for (let page = 0; page < pages; page++, at += 4) {
        const id = ids.readUInt32LE(at);
        rows += `4096,${page},${id.toString(16).padStart(8, "0")},${id === 0}\n`;
      }
      const file = path.join(folder, `${world}-${member}.csv`);
      writeFileSync(file, rows);
      return `${member}@${timeS}=${file}`;
    });
  });
}

/** Groupings of the guests in which each group that was recorded is one; a group's name is its members. */
const GUEST_GROUPS = [
  ["a1 a2 b1 b2 c1 d1"],
  ["a1", "a2", "b1", "b2", "c1", "d1"],
  ["a1 a2", "b1 b2", "c1 d1"],
  ["a1 a2 b1", "b2 c1 d1"],
];

let folder: string;
/** Arguments that name the spectrum of the made worlds, and that of the guests with the groupings. */
let made: string[];
let guests: string[];

beforeAll(async () => {
  folder = makeFolder();
  const spectrumOf = async (out: string, sources: readonly string[]) => {
    await succeed(["compare", ...sources, "--policy", "one-group", "--out", path.join(folder, out), "--quiet"]);
    return path.join(folder, out, "spectrum.parquet");
  };
  made = [await spectrumOf("made", writeTraces(folder)), "--policy", "one-group"];
  const traces = GUEST_GROUPS[1].map((guest) => path.join(TRACES, `${guest}.parquet`));
  guests = [await spectrumOf("guests", traces)];
  for (const [i, groups] of GUEST_GROUPS.entries()) {
    writeGroups(folder, `${i}.csv`, new Map(groups.flatMap((group) => group.split(" ").map((one) => [one, group]))));
    guests.push("--policy", `groups:${i}.csv`);
  }
});

afterAll(() => removeFolder(folder));

const settings = [...new Set(recordings.map((row) => `${row.max_page_sharing} ${row.use_zero_pages}`))];

describe.each(settings.map((text) => text.split(" ")))("max_page_sharing %s, use_zero_pages %s", (most, mapped) => {
  const recorded = recordings.filter((row) => row.max_page_sharing === most && row.use_zero_pages === mapped);
  let ofMade: Row[];
  let ofGuests: Row[];

  beforeAll(async () => {
    const options = ["--max-page-sharing", most, ...(mapped === "true" ? ["--use-zero-pages"] : []), "--quiet"];
    const groups = async (sources: readonly string[]) => {
      await succeed(["compare", ...sources, ...options, "--out", "out"], { cwd: folder });
      return rowsOf(path.join(folder, "out"), "groups.csv").filter(({ zero_pages }) => zero_pages === "counted");
    };
    ofMade = await groups(made);
    ofGuests = await groups(guests);
  });

  test.each(recorded.map((row) => [row.kernel, row.run, row] as const))("Linux %s, %s", (_, __, row) => {
    const { world, members, kernel: _kernel, run: _run, max_page_sharing, use_zero_pages, ...counters } = row;
    const known = Object.entries(counters).filter(([, count]) => count !== "");
    expect(known.length).toBeGreaterThanOrEqual(5);
    const group =
      world === "guests"
        ? onlyRow(ofGuests, { group: members })
        : onlyRow(ofMade, { time_s: String(Object.keys(worlds).indexOf(world)) });
    expect(group).toMatchObject({ members: String(members.split(" ").length), ...Object.fromEntries(known) });
  });
});

test("the recordings are those of three kernels", () => {
  const kernels = recordings.map(({ kernel }) => kernel);
  expect(["6.18.44", "6.12", "6.1"].map((kernel) => kernels.filter((one) => one === kernel).length)).toEqual([
    39, 16, 16,
  ]);
});
