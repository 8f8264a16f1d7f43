// A plain twin of the analysis: whole pages as keys of maps, no fingerprint anywhere.

import type { SpectrumRow, SpectrumWorld } from "./spectrum.js";
import { formatTime, rate, toCsv } from "./table.js";

export interface Member {
  name: string;
  /** All bytes of its memory, from address 0. */
  dump: Buffer;
  /** Where the dump does not have all of them: for each byte 1 or 0. */
  present?: Buffer | undefined;
  /** Values of the inventory's labels. */
  labels?: string[];
}

export interface TwinWorld {
  timeS: number;
  members: Member[];
}

interface TwinMember {
  name: string;
  labels: string[];
  pages: number;
  zeroPages: number;
  /** Copies of each content. */
  copies: Map<string, number>;
}

interface TwinSize {
  pageBytes: number;
  zero: string;
  members: TwinMember[];
}

/** The pages of which all bytes are there, by their contents. */
export function pagesIn({ dump, present }: Member, pageBytes: number): string[] {
  const pages = Array.from({ length: Math.floor(dump.length / pageBytes) }, (_, page) => page * pageBytes);
  return pages
    .filter((at) => !present?.subarray(at, at + pageBytes).includes(0))
    .map((at) => dump.toString("latin1", at, at + pageBytes));
}

function countPages(member: Member, pageBytes: number, zero: string): TwinMember {
  const { name, labels = [] } = member;
  const copies = new Map<string, number>();
  const pages = pagesIn(member, pageBytes);
  for (const content of pages) copies.set(content, (copies.get(content) ?? 0) + 1);
  return { name, labels, pages: pages.length, zeroPages: copies.get(zero) ?? 0, copies };
}

function countSize(members: readonly Member[], pageBytes: number, scale = 1): TwinSize {
  const zero = "\0".repeat(pageBytes / scale);
  return { pageBytes, zero, members: members.map((member) => countPages(member, pageBytes / scale, zero)) };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Contents that all of the members hold. */
function shared(members: readonly TwinMember[]): string[] {
  return [...members[0].copies.keys()].filter((content) => members.every(({ copies }) => copies.has(content)));
}

function union(members: readonly TwinMember[]): Set<string> {
  return new Set(members.flatMap(({ copies }) => [...copies.keys()]));
}

interface TwinPair {
  a: number;
  b: number;
  contents: number;
  nonzeroContents: number;
}

function pairs({ members, zero }: TwinSize): TwinPair[] {
  return members.flatMap((one, a) =>
    members.slice(a + 1).map((other, i) => {
      const both = shared([one, other]);
      return {
        a,
        b: a + 1 + i,
        contents: both.length,
        nonzeroContents: both.filter((content) => content !== zero).length,
      };
    }),
  );
}

interface TwinCopies {
  members: number;
  copies: number;
  contents: number;
}

/** Contents by how many members hold them in how many copies, ascending. */
function copiesCounts({ members }: TwinSize): TwinCopies[] {
  const counts = new Map<string, TwinCopies>();
  for (const content of union(members)) {
    const held = members.map(({ copies }) => copies.get(content) ?? 0).filter((copies) => copies > 0);
    const key = `${held.length} ${sum(held)}`;
    const row = counts.get(key) ?? { members: held.length, copies: sum(held), contents: 0 };
    counts.set(key, { ...row, contents: row.contents + 1 });
  }
  return [...counts.values()].sort((x, y) => x.members - y.members || x.copies - y.copies);
}

/** Contents of all members together, at a page size. */
export function twinUnion(members: readonly Member[], pageBytes: number): number {
  return union(countSize(members, pageBytes).members).size;
}

/** Less than 0 where `a` comes first: number by number, and a list before those that go on where it ends. */
function compareLists(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((value, i) => value !== b[i]);
  return differs < 0 || differs >= b.length ? a.length - b.length : a[differs] - b[differs];
}

/** Contents by their copy vectors: the zero content last, the others in the order of their holders, then of their copies. */
function copyVectors(timeS: number, { pageBytes, members, zero }: TwinSize): SpectrumRow[] {
  const vectors = new Map<string, { isZero: boolean; holders: number[]; copies: number[]; contents: number }>();
  for (const content of union(members)) {
    const isZero = content === zero;
    const holders = [...members.keys()].filter((member) => members[member].copies.has(content));
    const copies = holders.map((member) => members[member].copies.get(content) ?? 0);
    const key = JSON.stringify([isZero, holders, copies]);
    const vector = vectors.get(key) ?? { isZero, holders, copies, contents: 0 };
    vectors.set(key, { ...vector, contents: vector.contents + 1 });
  }
  return [...vectors.values()]
    .sort(
      (a, b) =>
        Number(a.isZero) - Number(b.isZero) || compareLists(a.holders, b.holders) || compareLists(a.copies, b.copies),
    )
    .map(({ isZero, holders, copies, contents }) => ({
      time_s: timeS,
      page_bytes: pageBytes,
      zero: isZero,
      members: holders.map((member) => members[member].name),
      copies,
      contents,
    }));
}

/** The rows of spectrum.parquet for worlds in the order of their times, and what its footer tells of them. */
export function twinSpectrum(
  worlds: readonly TwinWorld[],
  pageSizes: readonly number[],
  labelNames: readonly string[] = [],
  scale = 1,
): { rows: SpectrumRow[]; worlds: SpectrumWorld[] } {
  const counted = worlds.map(({ timeS, members }) => ({
    timeS,
    members,
    sizes: pageSizes.map((pageBytes) => countSize(members, pageBytes, scale)),
  }));
  return {
    rows: counted.flatMap(({ timeS, sizes }) => sizes.flatMap((size) => copyVectors(timeS, size))),
    worlds: counted.map(({ timeS, members, sizes }) => ({
      time_s: timeS,
      members: members.map(({ name, labels = [] }) => ({
        member: name,
        labels: Object.fromEntries(labelNames.map((label, i) => [label, labels[i] ?? ""])),
      })),
      sizes: sizes.map((size) => ({
        page_bytes: size.pageBytes,
        pages: size.members.map(({ pages }) => pages),
        zero_pages: size.members.map(({ zeroPages }) => zeroPages),
      })),
    })),
  };
}

function selfRow(timeS: number, { pageBytes, zero }: TwinSize, member: TwinMember): string[] {
  const { name, labels, pages, zeroPages, copies } = member;
  const contents = copies.size;
  const nonzeroContents = contents - (copies.has(zero) ? 1 : 0);
  const nonzeroPages = pages - zeroPages;
  return [
    formatTime(timeS),
    name,
    ...[pageBytes, pages, zeroPages, contents, pages - contents].map(String),
    rate(pages - contents, pages),
    String(Math.max(0, zeroPages - 1)),
    rate(nonzeroPages - nonzeroContents, nonzeroPages),
    ...labels,
  ];
}

function interRow(timeS: number, size: TwinSize): string[] {
  const { members, zero } = size;
  const pages = sum(members.map((member) => member.pages));
  const nonzeroPages = pages - sum(members.map(({ zeroPages }) => zeroPages));
  const contentsSum = sum(members.map(({ copies }) => copies.size));
  const all = union(members);
  const self = pages - contentsSum;
  const inter = contentsSum - all.size;
  const holders = members.filter(({ copies }) => copies.has(zero)).length;
  const nonzeroInter = inter - Math.max(0, holders - 1);
  return [
    formatTime(timeS),
    ...[size.pageBytes, members.length, pages, contentsSum, all.size, self, inter].map(String),
    ...[
      rate(self, pages),
      rate(inter, pages),
      rate(self + inter, pages),
      rate(nonzeroInter, nonzeroPages),
      rate(self, self + inter),
    ],
  ];
}

/** Of each label the value, where all of the members have the same one. */
const commonLabels = (members: readonly TwinMember[], labels: number): string[] =>
  Array.from({ length: labels }, (_, label) => {
    const values = new Set(members.map((member) => member.labels[label] ?? ""));
    return values.size === 1 ? [...values][0] : "";
  });

function pageSizesRows(timeS: number, sizes: readonly TwinSize[], size: TwinSize, labels: number): string[][] {
  const saved = (members: readonly TwinMember[]) => {
    const pages = sum(members.map((member) => member.pages));
    return pages === 0 ? 0 : (pages - union(members).size) / pages;
  };
  const at4k = sizes.find(({ pageBytes }) => pageBytes === 4096);
  const normalized = (value: number, normal: number | undefined) =>
    normal === undefined || (normal === 0 && value > 0) ? "" : rate(value, normal);
  const own = size.members.map((member, m) => {
    const normal = at4k && saved([at4k.members[m]]);
    return [
      formatTime(timeS),
      member.name,
      String(size.pageBytes),
      rate(saved([member]), 1),
      normalized(saved([member]), normal),
      "false",
      ...member.labels,
    ];
  });
  const all = saved(size.members);
  return [
    ...own,
    [
      formatTime(timeS),
      "*",
      String(size.pageBytes),
      rate(all, 1),
      normalized(all, at4k && saved(at4k.members)),
      "true",
      ...commonLabels(size.members, labels),
    ],
  ];
}

/**
 * The tables of `pagekin analyze` for worlds in the order of their times, by file name. At most 64 members. With a scale,
 * the dumps here are as many times smaller than the real ones, and share in the same way.
 */
export function twinTables(
  worlds: readonly TwinWorld[],
  pageSizes: readonly number[],
  labelNames: string[] = [],
  scale = 1,
): Record<string, string> {
  const counted = worlds.flatMap(({ timeS, members }) => {
    const sizes = pageSizes.map((pageBytes) => countSize(members, pageBytes, scale));
    return sizes.map((size) => ({ timeS, sizes, size, names: members.map(({ name }) => name) }));
  });
  return {
    "copies.csv": toCsv(
      "time_s,page_bytes,members,copies,contents",
      counted.flatMap(({ timeS, size }) =>
        copiesCounts(size).map(({ members, copies, contents }) => [
          formatTime(timeS),
          ...[size.pageBytes, members, copies, contents].map(String),
        ]),
      ),
    ),
    "inter.csv": toCsv(
      [
        "time_s,page_bytes,members,pages,contents_sum,contents_union,self_saved_pages,inter_saved_pages,self_sharing_rate,inter_sharing_rate,total_sharing_rate,nonzero_inter_sharing_rate,self_share_of_saving",
        ...labelNames.map((name) => `label:${name}`),
      ].join(),
      counted.map(({ timeS, size }) => [...interRow(timeS, size), ...commonLabels(size.members, labelNames.length)]),
    ),
    "page_sizes.csv": toCsv(
      [
        "time_s,member,page_bytes,sharing_rate,normalized_to_4k,all_members",
        ...labelNames.map((name) => `label:${name}`),
      ].join(),
      counted.flatMap(({ timeS, sizes, size }) => pageSizesRows(timeS, sizes, size, labelNames.length)),
    ),
    "pairs.csv": toCsv(
      [
        "time_s,page_bytes,member_a,member_b,shared_contents,inter_sharing_rate,nonzero_shared_contents",
        ...labelNames.flatMap((name) => [`label_a:${name}`, `label_b:${name}`]),
      ].join(),
      counted.flatMap(({ timeS, size, names }) =>
        pairs(size).map(({ a, b, contents, nonzeroContents }) => {
          const pages = size.members[a].pages + size.members[b].pages;
          const counts = [String(contents), rate(contents, pages), String(nonzeroContents)];
          const [ofA, ofB] = [size.members[a].labels, size.members[b].labels];
          const labels = labelNames.flatMap((_, label) => [ofA[label] ?? "", ofB[label] ?? ""]);
          return [formatTime(timeS), String(size.pageBytes), names[a], names[b], ...counts, ...labels];
        }),
      ),
    ),
    "self.csv": toCsv(
      [
        "time_s,member,page_bytes,pages,zero_pages,contents,self_saved_pages,self_sharing_rate,zero_saved_pages,nonzero_self_sharing_rate",
        ...labelNames,
      ].join(),
      counted.flatMap(({ timeS, size }) => size.members.map((member) => selfRow(timeS, size, member))),
    ),
  };
}

const LEDGER_PAGE = 4096;
export const LEDGER_HEADER =
  "time_s,member,source,format,address_space,nonzero_bytes,stored_zero_bytes,elided_zero_bytes,absent_bytes,outside_ram_bytes,repeated_bytes,tail_bytes";

/**
 * What ledger.csv says of the bytes of a dump in which all zero pages are stored and all bytes are RAM, each once. isRaw: it
 * speaks of all bytes from address 0 to its end, others from their first byte to their last.
 */
export function ledgerOf(member: Member, isRaw: boolean): string[] {
  const { dump, present = Buffer.alloc(dump.length, 1) } = member;
  const zero = "\0".repeat(LEDGER_PAGE);
  const pages = pagesIn(member, LEDGER_PAGE);
  const zeros = pages.filter((content) => content === zero).length;
  const bytes = present.reduce((count, one) => count + one, 0);
  const span = isRaw ? dump.length : present.lastIndexOf(1) + 1 - present.indexOf(1);
  const tail = bytes - LEDGER_PAGE * pages.length;
  return [LEDGER_PAGE * (pages.length - zeros), LEDGER_PAGE * zeros, 0, span - bytes, 0, 0, tail].map(String);
}
