// Random worlds for the oracle: members that come and go, with labels, as dumps with holes, zero pages, copies and parts of pages.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { limeFile } from "./dumps/lime.js";
import { dumpOf, TINY } from "./pieces.js";
import { ALL_SIZES, FIVE_SIZES } from "./reference.js";
import { toCsv } from "./table.js";
import { type Member, pagesIn } from "./twin.js";

export interface OracleWorld {
  timeS: number;
  members: OracleMember[];
}

/** Worlds of different times, and how they are analyzed and compared. */
export interface OracleCase {
  worlds: OracleWorld[];
  labelNames: string[];
  /** Ascending. */
  pageSizes: number[];
  /** One of them, at which policies are compared. */
  pageBytes: number;
  /** By member, for `groups:` and `private:`, and for `--add`. */
  groups: Record<string, string>;
  named: string[];
  added: string[];
  /** Of `similar` and `best`. */
  count: number;
  verify: boolean;
  /** Whether their CSV traces are analyzed too, which takes as long as all else. */
  alsoTraces: boolean;
  entitlement: "shapley" | "proportional";
  tenantLabel: string | undefined;
  kernel: { maxPageSharing: number; useZeroPages: boolean } | undefined;
  /** The memory of each host. */
  hostBytes: number | undefined;
}

const NAMES = ["vm1", "vm 2", "x,y", 'a "b"', "constructor", "Zoë", "a|b", "1"];
const PIECE = 1024;
/** What a bit of a map stands for. */
const MAPPED = 4096;
const LARGEST = Math.max(...FIVE_SIZES) / PIECE;

const piece = fc.oneof(
  { arbitrary: fc.constant(0), weight: 3 },
  { arbitrary: fc.nat(5), weight: 3 },
  { arbitrary: fc.nat(TINY + 6), weight: 2 },
);

/** A page of 1 to 16 pieces that its world may have many times. */
const stretch = fc.oneof(
  { arbitrary: fc.nat(3).map((content) => new Array<number>(LARGEST).fill(content)), weight: 2 },
  { arbitrary: fc.nat(3).map((content) => [content, 0, content + 1, 1]), weight: 4 },
  { arbitrary: fc.array(piece, { minLength: 1, maxLength: 9 }), weight: 3 },
);

const hole = fc.record({
  at: fc.oneof(
    fc.nat(60).map((pieces) => pieces * PIECE),
    fc.nat(60_000),
  ),
  bytes: fc.oneof(
    fc.integer({ min: 1, max: 9 }).map((pieces) => pieces * PIECE),
    fc.integer({ min: 1, max: 9000 }),
  ),
});

const memory = fc.record({
  stretches: fc.array(stretch, { minLength: 1, maxLength: 6 }),
  tailBytes: fc.oneof(fc.constant(0), fc.nat(1023)),
  start: fc.constantFrom(0, 0, 4096, 3 * PIECE, 5000, 9 * 4096 - 1),
  holes: fc.array(hole, { maxLength: 4 }),
  isPacked: fc.nat(9).map((number) => number === 0),
  kind: fc.constantFrom("whole" as const, "ranges" as const, "map" as const),
});

const labels = fc.record({
  os: fc.constantFrom("bsd", "linux", "plan 9"),
  // Missing, or a label that others have too, or what a member is called.
  tenant: fc.constantFrom("", "", "x", "y", NAMES[0]),
  salt: fc.constantFrom("", "", "0", "1", NAMES[0]),
  agreed: fc.constantFrom("", "no", "yes", "yes"),
  host: fc.constantFrom("h1", "h1", "h 2", ""),
});

type Memory = typeof memory extends fc.Arbitrary<infer T> ? T : never;

/** A member whose failing example is told by its pieces, not by its bytes. */
export class OracleMember implements Member {
  #dump: Buffer | undefined;
  #present: Buffer | undefined;

  /** leastBytes: a page of which it has as a whole. */
  constructor(
    readonly name: string,
    readonly labels: string[],
    private readonly memory: Memory,
    private readonly leastBytes: number,
  ) {}

  /** Whether a map of resident pages says what the dump has. */
  get isMapped(): boolean {
    return this.memory.kind === "map";
  }

  /** The ending of its dump's file. Where some bytes are absent it is LiME, if no map goes with it. */
  form(maps: boolean): string {
    const isRaw = this.memory.kind === "whole" || (maps && this.isMapped);
    return `${isRaw ? "raw" : "lime"}${this.memory.isPacked ? ".gz" : ""}`;
  }

  get dump(): Buffer {
    this.#dump ??= this.makeDump();
    return this.#dump;
  }

  get present(): Buffer | undefined {
    if (this.memory.kind !== "whole") this.#present ??= this.makePresent();
    return this.#present;
  }

  private makeDump(): Buffer {
    const { stretches, tailBytes, start, kind } = this.memory;
    const pieces = stretches.flat();
    while (pieces.length * PIECE < 2 * this.leastBytes) pieces.push(1);
    return Buffer.concat([Buffer.alloc(kind === "whole" ? 0 : start), dumpOf(pieces, tailBytes)]);
  }

  private makePresent(): Buffer {
    const { holes, start } = this.memory;
    const { length } = this.dump;
    const present = Buffer.alloc(length, 1);
    // A map has a bit for each page.
    const border = (at: number) => Math.min(length, this.isMapped ? MAPPED * Math.floor(at / MAPPED) : at);
    for (const { at, bytes } of holes) present.fill(0, border(at), border(at + bytes));
    present.fill(0, 0, border(start));
    return present.fill(1, border(start), border(start + 2 * this.leastBytes + MAPPED));
  }

  /** A bit for each page, the lowest first. */
  map(): Buffer {
    const pages = Math.ceil(this.dump.length / MAPPED);
    const map = Buffer.alloc(Math.ceil(pages / 8));
    for (let page = 0; page < pages; page++) map[page >> 3] |= (this.present?.[page * MAPPED] ?? 1) << (page & 7);
    return map;
  }
}

/** Whether all members have pages of all sizes: a trace does not tell that there were none of a size. */
export const hasPages = ({ worlds, pageSizes }: Pick<OracleCase, "worlds" | "pageSizes">): boolean =>
  worlds.every(({ members }) =>
    members.every((member) => pageSizes.every((pageBytes) => pagesIn(member, pageBytes).length > 0)),
  );

/** So many worlds of 1 to 7 members each. */
export const oracleCase = (worlds: number): fc.Arbitrary<OracleCase> =>
  fc
    .record({
      members: fc.integer({ min: 1, max: 7 }),
      isSmall: fc.nat(2).map((number) => number === 0),
      pageSizes: fc.constantFrom(FIVE_SIZES, FIVE_SIZES, ALL_SIZES, [4096], [1024, 4096], [2048, 16384], [8192]),
      tenantLabel: fc.constantFrom("tenant", "os", undefined),
      isOnHosts: fc.boolean(),
    })
    .chain(({ members, isSmall, pageSizes, tenantLabel, isOnHosts }) => {
      const leastBytes = isSmall ? pageSizes[0] : Math.min(pageSizes[pageSizes.length - 1], 16 * PIECE);
      // One of them is away at a time.
      const names = NAMES.slice(0, members + 1);
      const labelNames = ["os", "tenant", "salt", "agreed", "host"].filter(
        (name) => (tenantLabel || name !== "tenant") && (isOnHosts || name !== "host"),
      );
      const world = fc.record({
        names: fc.shuffledSubarray(names, { minLength: members, maxLength: members }),
        memories: fc.array(memory, { minLength: members, maxLength: members }),
        labels: fc.array(labels, { minLength: members, maxLength: members }),
      });
      return fc
        .record({
          worlds: fc.array(world, { minLength: worlds, maxLength: worlds }),
          pageBytes: fc.constantFrom(...pageSizes),
          groups: fc.array(fc.constantFrom("g", "h", "i, j", "1"), {
            minLength: names.length,
            maxLength: names.length,
          }),
          named: fc.subarray(names),
          added: fc.subarray(names),
          count: fc.integer({ min: 1, max: Math.max(1, members - 1) }),
          verify: fc.boolean(),
          alsoTraces: fc.nat(3).map((number) => number === 0),
          entitlement: fc.constantFrom("shapley" as const, "proportional" as const),
          hostBytes: fc.option(fc.integer({ min: 1, max: 2 ** 22 }), { nil: undefined }),
          kernel: fc.option(fc.record({ maxPageSharing: fc.integer({ min: 2, max: 5 }), useZeroPages: fc.boolean() }), {
            nil: undefined,
          }),
        })
        .map((given) => ({
          ...given,
          pageSizes,
          tenantLabel,
          labelNames,
          groups: Object.fromEntries(names.map((name, i) => [name, given.groups[i]])),
          worlds: given.worlds.map((one, i) => ({
            timeS: i === 1 ? 0.005 : i,
            members: one.names.map((name, m) => {
              const own = labelNames.map((label) => one.labels[m][label as "os"]);
              return new OracleMember(name, own, one.memories[m], leastBytes);
            }),
          })),
        }));
    });

/** Runs of bytes that are there. */
function rangesOf({ dump, present }: Member): [address: number, bytes: Buffer][] {
  const ranges: [number, Buffer][] = [];
  for (let at = present?.indexOf(1) ?? -1; present && at >= 0; ) {
    const gap = present.indexOf(0, at);
    const end = gap < 0 ? dump.length : gap;
    ranges.push([at, dump.subarray(at, end)]);
    at = present.indexOf(1, end);
  }
  return ranges;
}

const fileOf = (timeS: number, member: number, ending: string) => `${timeS}-${member}.${ending}`;

function writeInventory(
  folder: string,
  name: string,
  given: OracleCase,
  pathOf: (w: OracleWorld, m: number) => string,
) {
  // Rows of tables are sorted by time, whatever the order of the sources.
  const rows = [...given.worlds]
    .reverse()
    .flatMap((world) =>
      world.members.map((member, m) => [pathOf(world, m), member.name, String(world.timeS), ...member.labels]),
    );
  writeFileSync(path.join(folder, name), toCsv(["path", "member", "time_s", ...given.labelNames].join(), rows));
}

/**
 * Writes the dumps and the inventory that names them; gives the paths of the dumps in its order. maps: where the members have
 * maps of resident pages, these are written too; `mapOptions` names them.
 */
export function writeDumps(folder: string, given: OracleCase, maps: boolean): string[] {
  const pathOf = ({ timeS, members }: OracleWorld, m: number) => fileOf(timeS, m, members[m].form(maps));
  for (const world of given.worlds) {
    for (const [m, member] of world.members.entries()) {
      const isRaw = member.form(maps).startsWith("raw");
      const bytes = isRaw ? member.dump : limeFile(...rangesOf(member));
      const packed = member.form(maps).endsWith(".gz") ? gzipSync(bytes, { level: 1 }) : bytes;
      writeFileSync(path.join(folder, pathOf(world, m)), packed);
      if (member.isMapped) writeFileSync(path.join(folder, fileOf(world.timeS, m, "map")), member.map());
    }
  }
  writeInventory(folder, "dumps.csv", given, pathOf);
  return given.worlds.flatMap((world) => world.members.map((_, m) => path.join(folder, pathOf(world, m))));
}

/** The options that name the maps of resident pages. */
export const mapOptions = ({ worlds }: OracleCase): string[] =>
  worlds.flatMap(({ timeS, members }) =>
    members.flatMap(({ name, isMapped }, m) =>
      isMapped ? ["--resident", `${name}@${timeS}=${fileOf(timeS, m, "map")}`] : [],
    ),
  );

/** Writes CSV traces by a hash of our own, and the inventory that names them. */
export function writeCsvTraces(folder: string, given: OracleCase): void {
  const pathOf = ({ timeS }: OracleWorld, m: number) => fileOf(timeS, m, "csv");
  for (const world of given.worlds) {
    for (const [m, member] of world.members.entries()) {
      const rows = given.pageSizes.flatMap((pageBytes) =>
        pagesIn(member, pageBytes).map((content, page) => {
          const fingerprint = createHash("md5").update(content, "latin1").digest("hex");
          return `${pageBytes},${page},${fingerprint},${content === "\0".repeat(pageBytes)}\n`;
        }),
      );
      writeFileSync(path.join(folder, pathOf(world, m)), `page_bytes,page,fingerprint,zero\n${rows.join("")}`);
    }
  }
  writeInventory(folder, "csv-traces.csv", given, pathOf);
}

/** Writes the inventory of the traces that `pagekin fingerprint` has made of the dumps, in a folder of that one. */
export function writeTraceInventory(folder: string, traces: string, given: OracleCase): void {
  const pathOf = ({ timeS, members }: OracleWorld, m: number) =>
    path.join(traces, `${members[m].name}${timeS === 0 ? "" : `@${timeS}`}.parquet`);
  writeInventory(folder, "traces.csv", given, pathOf);
}
