// Small worlds for policies, as CSV traces: a few contents that some members hold, in few copies or many.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import type { Group, PolicyMember, PolicyWorld } from "./policy-twin.js";
import type { Row } from "./table.js";

/** Copies of a content in a member: often none, seldom many. */
const copies = fc.oneof(
  { arbitrary: fc.constant(0), weight: 4 },
  { arbitrary: fc.constant(1), weight: 3 },
  { arbitrary: fc.integer({ min: 1, max: 3 }), weight: 2 },
  { arbitrary: fc.integer({ min: 4, max: 12 }), weight: 1 },
);

/** For each member the contents of its pages. */
function memberPages(members: number): fc.Arbitrary<number[][]> {
  const vector = fc.record({
    copies: fc.array(copies, { minLength: members, maxLength: members }),
    contents: fc.integer({ min: 1, max: 5 }),
  });
  return fc.tuple(vector, fc.array(vector, { maxLength: 9 })).map(([zero, vectors]) => {
    const pages = zero.copies.map((count) => new Array<number>(count).fill(0));
    let content = 0;
    for (const one of vectors) {
      for (let i = 0; i < one.contents; i++) {
        content++;
        one.copies.forEach((count, member) => {
          pages[member].push(...new Array<number>(count).fill(content));
        });
      }
    }
    // A trace has a page at least.
    return pages.map((own) => (own.length > 0 ? own : [++content]));
  });
}

/** Worlds of so many members each, at times 0, 1, 2 ... and all page sizes; a member is in the worlds of one time only. */
export function policyWorlds(members: number, pageSizes: readonly number[] = [4096]): fc.Arbitrary<PolicyWorld[]> {
  const nameOf = (timeS: number, member: number) => `t${timeS}-m${member + 1}`;
  const labels = fc.record({
    os: fc.constantFrom("bsd", "linux", "plan9"),
    // Missing, or a label that others have too, or what a member is called.
    tenant: fc.constantFrom("", "", "x", "y", "z", nameOf(0, 0)),
    salt: fc.constantFrom("", "", "0", "1", nameOf(0, 0)),
    agreed: fc.constantFrom("", "no", "yes", "yes"),
  });
  const time = fc.record({
    labels: fc.array(labels, { minLength: members, maxLength: members }),
    pages: fc.tuple(...pageSizes.map(() => memberPages(members))),
  });
  return fc.array(time, { minLength: 1, maxLength: 6 }).map((times) =>
    times.flatMap((world, timeS) =>
      pageSizes.map((pageBytes, size) => ({
        timeS,
        pageBytes,
        members: world.labels.map((own, member) => ({
          name: nameOf(timeS, member),
          labels: own,
          pages: world.pages[size][member],
        })),
      })),
    ),
  );
}

/** A world at time 0 and 4 KiB, of members with these contents of pages and these labels. */
export function worldOf(
  pages: Record<string, readonly number[]>,
  labels: Record<string, Record<string, string>> = {},
): PolicyWorld {
  const members = Object.entries(pages).map(([name, own]) => ({ name, labels: labels[name] ?? {}, pages: own }));
  return { timeS: 0, pageBytes: 4096, members };
}

/** Pages of so many copies of a content. */
export const times = (count: number, content: number): number[] => new Array<number>(count).fill(content);

/** Contents from one to before another, a page of each. */
export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function traceRows({ pageBytes }: PolicyWorld, { pages }: PolicyMember): string[] {
  return pages.map((content, page) => {
    const fingerprint = createHash("md5").update(String(content)).digest("hex");
    return `${pageBytes},${page},${fingerprint},${content === 0}\n`;
  });
}

/** Writes the traces of worlds and an inventory of the labels into a folder; gives the arguments that name them. */
export function writeWorlds(folder: string, worlds: readonly PolicyWorld[]): string[] {
  const traces = new Map<string, string[]>();
  for (const world of worlds) {
    for (const member of world.members) {
      const source = `${member.name}@${world.timeS}`;
      traces.set(source, [...(traces.get(source) ?? []), ...traceRows(world, member)]);
    }
  }
  const sources = [...traces].map(([source, rows]) => {
    writeFileSync(path.join(folder, `${source}.csv`), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
    return `${source}=${source}.csv`;
  });
  const members = new Map(worlds.flatMap((world) => world.members.map((member) => [member.name, member.labels])));
  const labelNames = [...new Set([...members.values()].flatMap((labels) => Object.keys(labels)))];
  if (labelNames.length === 0) return sources;
  const lines = [...members].map(([name, labels]) => [name, ...labelNames.map((label) => labels[label] ?? "")].join());
  writeFileSync(path.join(folder, "labels.csv"), [["member", ...labelNames].join(), ...lines, ""].join("\n"));
  return [...sources, "--inventory", "labels.csv"];
}

/** Writes a file for `groups:`; all that there is of a member's group is its name. */
export function writeGroups(folder: string, file: string, groupOf: ReadonlyMap<string, string>): void {
  const rows = [...groupOf].map(([member, group]) => `${member},${group}\n`);
  writeFileSync(path.join(folder, file), `member,group\n${rows.join("")}`);
}

/** The groups that a run has made of a world, as members.csv has them. Their names must differ. */
export function groupsIn(rows: readonly Row[], world: PolicyWorld, zeroPages: string, policy: string): Group[] {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    const isOfWorld = row.time_s === String(world.timeS) && row.page_bytes === String(world.pageBytes);
    if (!isOfWorld || row.zero_pages !== zeroPages || row.policy !== policy) continue;
    groups.set(row.group, [...(groups.get(row.group) ?? []), row.member]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}
