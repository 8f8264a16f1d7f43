// What is mutated: small valid files of each format, with the places of their numbers and of their records.

import { crc32, deflateSync, gzipSync } from "node:zlib";
import { Xxh32 } from "../../src/unpack/xxh32.js";
import { CONTAINERS, type Container, pack, SMALL } from "../support/containers.js";
import { avmlFile, avmlHeader, avmlRange } from "../support/dumps/avml.js";
import {
  elfCore,
  processNotes,
  qemuNote,
  registersNote,
  virtualBoxNotes,
  vmcoreinfoNote,
} from "../support/dumps/elf.js";
import { coded, flattenedOf, inChunks, type KdumpSpec, kdumpOf, noteOf } from "../support/dumps/kdump.js";
import { limeFile } from "../support/dumps/lime.js";
import {
  capabilities,
  command,
  compressed,
  END_OF_RECORDS,
  filled,
  footer,
  head,
  list,
  mappedStream,
  page,
  pageBits,
  RAM_ID,
  ramSections,
  section,
  tail,
  u8,
  u32,
  u64,
  uuid,
} from "../support/dumps/migration.js";
import { page as numbered, PAGE, pages } from "../support/dumps/pages.js";
import { compressed as snappy } from "../support/dumps/snappy.js";
import { saved, streamAt } from "../support/dumps/virsh.js";
import { xenCore } from "../support/dumps/xen.js";
import { randomBytes } from "../support/random.js";
import { HAS_ZSTD, zstd } from "../support/tools.js";
import { INPUTS } from "./inputs.js";
import { anyPlace, elfPlaces, type Field, flattenedPlaces, kdumpPlaces, rangePlaces } from "./places.js";

export interface Base {
  bytes: Buffer;
  /** The places of numbers. */
  fields: Field[];
  /** Stretches that make sense by themselves, in order. */
  records: [from: number, to: number][];
  /** Makes the checksums of headers right again, so that what they guard is looked at. */
  repair?: (bytes: Buffer) => void;
  /** Lengths at which nothing tells a cut file from a whole one. */
  ends?: (length: number) => boolean;
  /** A map of resident pages beside it. */
  resident?: Buffer;
}

export interface Subject {
  name: string;
  bases(): Base[] | Promise<Base[]>;
  /** Of one process, where a damaged case takes memory for good. */
  mostCases?: number;
  /** What reads a case, with what stands beside it in a folder; without it the cases are dumps. */
  door?: (folder: string) => Promise<(file: string) => Promise<unknown>>;
}

const MACHINE_PAGES = [
  { bytes: pages(1, 2) },
  { paddr: 0x4000, bytes: pages(0, 3), memory: 3 * PAGE },
  { paddr: 0x10000, memory: PAGE },
];
const PROCESS = {
  vdso: 0x7fff00001000,
  files: [
    { start: 0x1000, end: 0x3000, file: "/bin/x" },
    { start: 0x5000, end: 0x6000, file: "/lib/y" },
  ],
};
const PROCESS_LOADS = [
  { vaddr: 0x1000, bytes: pages(1, 0) },
  { vaddr: 0x5000, bytes: pages(2), memory: 2 * PAGE },
  { vaddr: 0x7fff00000000, bytes: pages(4), flags: 4 },
  { vaddr: 0x7fff00001000, bytes: pages(5), flags: 5 },
  { vaddr: 0xffffffffff600000n, bytes: pages(6), flags: 5 },
];
const LOW_LOADS = PROCESS_LOADS.slice(0, 2);
const HIGH_LOADS = [
  { vaddr: 0x1000, bytes: pages(1) },
  { vaddr: 0xfff8000100000000n, bytes: pages(2, 0), memory: 4 * PAGE },
  { vaddr: 0xc000000000000000n, bytes: pages(3) },
];
const DEVICES = [
  { paddr: 0x1000000, vaddr: 0x1000000, bytes: pages(7) },
  { paddr: 2 ** 40, vaddr: 2 ** 40, bytes: pages(8) },
];

const cores = (...files: Buffer[]) => files.map((bytes): Base => ({ bytes, ...elfPlaces(bytes) }));

const elfMachine = () =>
  cores(
    elfCore({ notes: [registersNote(), qemuNote()], loads: MACHINE_PAGES }),
    elfCore({ notes: [vmcoreinfoNote()], loads: MACHINE_PAGES, bits: 32, bigEndian: true, machine: 20 }),
    elfCore({ notes: virtualBoxNotes(), loads: MACHINE_PAGES, notesAt: "last", countInSection: true }),
    elfCore({ loads: [{ bytes: pages(1) }, { paddr: 0xfffc0000, bytes: pages(2) }], flags: 0 }),
    elfCore({ notes: [qemuNote()], loads: [...MACHINE_PAGES, ...DEVICES] }),
    elfCore({
      notes: [registersNote()],
      loads: [...DEVICES, { paddr: 2 ** 31, vaddr: 2 ** 31, bytes: pages(3) }],
      machine: 243,
    }),
    elfCore({ notes: [vmcoreinfoNote()], loads: HIGH_LOADS }),
  );

const elfProcess = () =>
  cores(
    elfCore({ notes: processNotes(PROCESS), loads: PROCESS_LOADS }),
    elfCore({ notes: processNotes(PROCESS), loads: PROCESS_LOADS, notesAt: "last", sectionFirst: true }),
    elfCore({ notes: processNotes({ files: PROCESS.files }, 32), loads: LOW_LOADS, bits: 32, machine: 3 }),
    elfCore({ notes: processNotes(PROCESS, 64, true), loads: PROCESS_LOADS, bigEndian: true, machine: 22 }),
    elfCore({ notes: processNotes(PROCESS, 64, true), loads: HIGH_LOADS, bigEndian: true, machine: 43 }),
  );

const xenPages = (...numbers: number[]) => numbers.map((number, i) => ({ number, bytes: numbered(i) }));

const xen = () =>
  cores(
    xenCore({ pages: xenPages(3, 4, 1, 0xfeff8) }),
    xenCore({ guest: "pv", pages: xenPages(0, 1, -1, 7) }),
    xenCore({ pages: xenPages(2, 3, 9), numbersFirst: true, namesFirst: true }),
    xenCore({ guest: "pv", pages: xenPages(5, 2), pageBytes: false, numbersFirst: true }),
  );

const ranges = (...files: Buffer[]) =>
  files.map((bytes): Base => {
    const places = rangePlaces(bytes);
    // Neither format says how many ranges there are.
    const ends = new Set(places.records.map(([, to]) => to));
    return { bytes, ...places, ends: (length) => ends.has(length) };
  });

/** A file, and the same with zeros behind it, as on a volume. */
const alsoPadded = (base: Base): Base[] => {
  const { bytes, ends } = base;
  const padded = Buffer.concat([bytes, Buffer.alloc(700)]);
  return [base, { ...base, bytes: padded, ends: (length) => length >= bytes.length || (ends?.(length) ?? false) }];
};

const lime = () =>
  ranges(
    limeFile([0x1000, pages(1, 2)], [0x100000, pages(3)], [0x200000, pages(0)]),
    limeFile([0x9000, pages(1)], [0x8000, pages(2, 3)], [0x123, randomBytes(1000, 1)]),
    Buffer.concat([limeFile([0, pages(1)]), avmlRange(0x4000, pages(2)), limeFile([0x8000, pages(3)])]),
  ).flatMap(alsoPadded);

const avml = () =>
  ranges(
    avmlFile([0x1000, pages(1, 0, 2)], [0x100000, Buffer.alloc(2 * PAGE, "text")]),
    Buffer.concat([avmlRange(0x1000, pages(1, 2), 3000), avmlHeader(0x8000, PAGE), avmlRange(0x9000, pages(3))]),
    Buffer.concat([avmlRange(0, Buffer.alloc(PAGE, "some"), 1000), limeFile([0x4000, pages(2)])]),
  ).flatMap(alsoPadded);

const HALF = Buffer.concat([randomBytes(PAGE / 2, 1), Buffer.alloc(PAGE / 2)]);
const EIGHT = Buffer.from("pagekin!");

const kdumps =
  (...specs: KdumpSpec[]) =>
  () =>
    specs.map((spec): Base => {
      const bytes = kdumpOf(spec);
      return { bytes, ...kdumpPlaces(bytes, spec) };
    });

/** Dumps of a codec in the forms that headers have. */
const codecs = (a: KdumpSpec["pages"][number], b: KdumpSpec["pages"][number]) => {
  const all: KdumpSpec["pages"] = { 0: a, 1: b, 2: "excluded", 3: "lost", 5: HALF, 6: { like: 0 }, 40: b };
  return kdumps(
    { pages: all, notes: noteOf("CORE", 1, 336) },
    { pages: all, longBytes: 4, machine: "i686", version: 5 },
    { pages: all, littleEndian: false, version: 3, machine: "s390x" },
    { pages: all, oneBitmap: true, signature: "DISKDUMP", version: 1, machine: "" },
  );
};

const SPLIT: KdumpSpec["pages"] = {
  0: HALF,
  1: coded.zlib(HALF),
  2: "excluded",
  4: pages(3),
  9: { like: 4 },
  30: HALF,
};

function flattened(): Base[] {
  const all: KdumpSpec["pages"] = {
    0: coded.zlib(HALF),
    1: coded.lzo(EIGHT, PAGE),
    3: HALF,
    4: { like: 3 },
    9: pages(0),
  };
  const plain = kdumpOf({ pages: all });
  const chunks = inChunks(plain, 1500);
  const turned = [...chunks.slice(0, 4), ...chunks.slice(4).reverse(), chunks[2]];
  const files = [flattenedOf([[0, plain]]), flattenedOf(chunks), flattenedOf(turned)];
  return files.map((bytes, i) => {
    const places = flattenedPlaces(bytes);
    if (i > 0) return { bytes, ...places };
    const inner = kdumpPlaces(plain, { pages: all });
    const shift = 4096 + 16;
    return {
      bytes,
      fields: [...places.fields, ...inner.fields.map((field) => ({ ...field, at: field.at + shift }))],
      records: [...places.records, ...inner.records.map(([from, to]): [number, number] => [from + shift, to + shift])],
    };
  });
}

function flattenedCores(): Base[] {
  const notes = [registersNote(), vmcoreinfoNote()];
  const plain = elfCore({ notes, loads: MACHINE_PAGES });
  const high = elfCore({ notes, loads: HIGH_LOADS });
  const whole = flattenedOf([[0, plain]]);
  const places = flattenedPlaces(whole);
  const inner = elfPlaces(plain);
  const shift = 4096 + 16;
  const shifted = inner.fields.map((field) => ({ ...field, at: field.at + shift }));
  const records = inner.records.map(([from, to]): [number, number] => [from + shift, to + shift]);
  const files = [flattenedOf(inChunks(plain, 1500)), flattenedOf(inChunks(high, 700).reverse())];
  return [
    { bytes: whole, fields: [...places.fields, ...shifted], records: [...places.records, ...records] },
    ...files.map((bytes) => ({ bytes, ...flattenedPlaces(bytes) })),
  ];
}

const KIB = 1024;
const [A, B] = [1, 2].map((seed) => randomBytes(KIB, seed));
const Q35 = "pc-q35-7.2";

/** Streams, and the bytes of their pages. */
function streams(): Buffer[] {
  const records = [page(0, A, "r"), filled(KIB, 0), filled(2 * KIB, 3), compressed(3 * KIB, Buffer.alloc(KIB, "text"))];
  const again = [page(0, B, "r"), compressed(5 * KIB, HALF.subarray(1500, 1500 + KIB)), filled(0, 0, "pc.rom")];
  const blocks = { r: 8 * KIB, "pc.rom": KIB };
  const nodes = { "/objects/ram-node0": 4 * KIB, "/objects/ram-node1": 4 * KIB };
  return [
    Buffer.concat([head(Q35, pageBits(10), uuid()), ramSections([list(blocks)], records, again), tail()]),
    Buffer.concat([
      head("virt-6.0", pageBits(10), capabilities("zero-blocks")),
      command(3),
      ramSections([list(nodes)], [page(KIB, A, "/objects/ram-node1"), filled(0, 0, "/objects/ram-node0")], []),
      tail(),
    ]),
    Buffer.concat([head(undefined), ramSections([list({ "pc.ram": 4 * PAGE })], [page(PAGE, pages(1), "pc.ram")], [])]),
    ...streamsWithOthers(),
  ];
}

/** Streams with sections that are not RAM's, and with what looks like their ends; with several blocks; and what is behind. */
function streamsWithOthers(): Buffer[] {
  const blocks = { "pc.ram": 4 * KIB, mem1: 2 * KIB, "0000:00:02.0/vmem0": 2 * KIB, "0000:00:01.0/vga.vram": KIB };
  const first = section(1, [list(blocks), END_OF_RECORDS]);
  const part = section(2, [page(KIB, A, "pc.ram"), filled(0, 0, "mem1"), END_OF_RECORDS]);
  const last = section(3, [page(KIB, B, "0000:00:02.0/vmem0"), END_OF_RECORDS]);
  const decoys = [footer(9), u8(2), u32(9), footer(9), section(4, [], "timer", 3), footer(9), u8(2), u32(RAM_ID)];
  const early = section(1, [u32(1), ...decoys, u32(2)], "block", 9);
  const between = section(2, [randomBytes(50, 5), ...decoys, footer(9), tail()], "block", 9);
  const start = head(Q35, pageBits(10));
  return [
    Buffer.concat([start, early, command(1), first, between, part, section(3, [], "", 9), last, tail()]),
    Buffer.concat([start, first, part, tail(), Buffer.alloc(100)]),
    Buffer.concat([start, section(4, decoys, "x/virtio-mem-device-early", 9), first, part, last, tail(), tail(), part]),
  ];
}

const withPlaces = (bytes: Buffer): Base => ({ bytes, ...anyPlace(bytes, [A, B, pages(1), pages(2), pages(3)]) });

const mapped = (before = 0) =>
  mappedStream(
    Q35,
    [
      { block: "pc.ram", pages: [pages(1), undefined, pages(2), undefined] },
      { block: "pc.rom", pages: [undefined, pages(3)] },
      { block: "vga.ram", pages: [undefined], ignored: true },
    ],
    { before, align: 256 },
  );

/** With what a virtio-mem device has plugged in. */
const plugged = () => {
  const state = Buffer.concat([u64(0), u64(4 * PAGE), u64(PAGE), u32(0), u64(0), u64(0b0101)]);
  const blocks = [
    { block: "pc.ram", pages: [pages(1)] },
    { block: "0000:00:02.0/vmem0", pages: [pages(2), undefined, undefined, pages(3)] },
  ];
  const others = [section(4, [state], "0000:00:02.0/virtio-mem-device-early", 9)];
  return mappedStream(Q35, blocks, { align: 256, others });
};

/** Behind all RAM it does not matter where a stream ends. */
const migration = () => [...streams(), mapped(), plugged()].map(withPlaces);

function virshSave(): Base[] {
  const [stream, , , withOthers] = streams();
  return [
    saved({ stream }),
    saved({ stream: withOthers }),
    saved({ stream, bigEndian: true, version: 1 }),
    saved({ stream: mapped(streamAt()), packedAs: 6 }),
  ].map(withPlaces);
}

function virshPacked(): Base[] {
  const [stream] = streams();
  const packed: [number, Buffer][] = [[1, gzipSync(stream)]];
  for (const [number, tool] of [
    [2, "bzip2"],
    [3, "xz"],
    [4, "lzop"],
  ] as const)
    if (CONTAINERS.find(({ name }) => name === tool)?.installed) packed.push([number, pack(tool, stream)]);
  if (HAS_ZSTD) packed.push([5, zstd(stream)]);
  return packed.map(([packedAs, bytes]) => withPlaces(saved({ stream: bytes, packedAs })));
}

/** A dump that is a core, so that the plan of what is packed is made too. */
const PACKED_CORE = elfCore({ notes: [qemuNote()], loads: [{ bytes: pages(1, 0) }] });

const loose = (bytes: Buffer, repair?: Base["repair"]): Base => ({
  bytes,
  ...anyPlace(bytes, []),
  ...(repair && { repair }),
});

const gzip = () => {
  const both = Buffer.concat([gzipSync(SMALL.subarray(0, 3000)), gzipSync(SMALL.subarray(3000))]);
  const first = gzipSync(SMALL.subarray(0, 3000)).length;
  return [
    ...alsoPadded(loose(gzipSync(SMALL))),
    { ...loose(both), ends: (length: number) => length === first },
    loose(gzipSync(PACKED_CORE)),
  ];
};

/** A frame with its length, a block as it is, a block of one byte repeated, and an empty last one. */
function zstdByHand(): Buffer {
  const block = (size: number, type: number, last: number) => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntLE((size << 3) | (type << 1) | last, 0, 3);
    return bytes;
  };
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0x20, 0, 0]);
  const plain = randomBytes(256, 4);
  return Buffer.concat([header, block(256, 0, 0), plain, block(8192 - 256, 1, 0), Buffer.from("x"), block(0, 0, 1)]);
}

function zstdFiles(): Base[] {
  const skippable = Buffer.from("\x5a\x2a\x4d\x18\x05\0\0\0hello", "latin1");
  const first = zstdByHand();
  const two = Buffer.concat([first, skippable, first]);
  const ends = (length: number) => length === first.length || length === first.length + skippable.length;
  const made = HAS_ZSTD ? [zstd(SMALL), zstd(SMALL, "--no-check", "-19"), zstd(PACKED_CORE)] : [];
  return [...alsoPadded(loose(first)), { ...loose(two), ends }, ...made.map((bytes) => loose(bytes))];
}

/** The byte behind the frame's descriptor is of its checksum. */
function repairLz4(bytes: Buffer): void {
  if (bytes.length < 7) return;
  const end = 6 + (bytes[4] & 8 ? 8 : 0) + (bytes[4] & 1 ? 4 : 0);
  if (end < bytes.length) bytes[end] = new Xxh32().update(bytes.subarray(4, end)).digest() >> 8;
}

/** The sums of the stream's header, of the first block's header, and of the footer. */
function repairXz(bytes: Buffer): void {
  if (bytes.length < 32) return;
  bytes.writeUInt32LE(crc32(bytes.subarray(6, 8)), 8);
  const block = (bytes[12] + 1) * 4;
  if (12 + block <= bytes.length) bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + block - 4)), 12 + block - 4);
  const footer = bytes.length - 12;
  const index = (bytes.readUInt32LE(footer + 4) + 1) * 4;
  if (index >= 8 && index <= footer) bytes.writeUInt32LE(crc32(bytes.subarray(footer - index, footer - 4)), footer - 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(footer + 4, footer + 10)), footer);
}

function repairLzop(bytes: Buffer): void {
  if (bytes.length < 40) return;
  const isFiltered = (bytes.readUInt32BE(17) & 0x800) !== 0;
  const nameAt = isFiltered ? 37 : 33;
  const end = nameAt + 1 + bytes[nameAt];
  if (end + 4 > bytes.length) return;
  const header = bytes.subarray(9, end);
  let [low, high] = [1, 0];
  for (const byte of header) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  const sum = bytes.readUInt32BE(17) & 0x1000 ? crc32(header) : high * 65536 + low;
  bytes.writeUInt32BE(sum, end);
}

const REPAIRS = { lz4: repairLz4, xz: repairXz, lzop: repairLzop, bzip2: undefined } as const;

/** Files kept here, others with the options of their tool where it is installed, two in a row, a core. */
const containerOf = ({ name, fixture, variants, installed }: Container) => {
  const made = installed ? [...variants.map((options) => pack(name, SMALL, ...options)), pack(name, PACKED_CORE)] : [];
  const ends = (length: number) => length === fixture.length;
  return [
    ...alsoPadded(loose(fixture)),
    loose(fixture, REPAIRS[name]),
    { ...loose(Buffer.concat([fixture, fixture])), ends },
    ...made.map((bytes) => loose(bytes, REPAIRS[name])),
  ];
};

const rawWithMap = () => {
  const bytes = pages(1, 0, 2, 3, 4, 0, 5, 6, 7, 8);
  // A raw dump does not say how long it is; the map is longer if it was cut.
  return [0b1011, 0xff, 0].map((byte) => ({
    ...loose(bytes),
    resident: Buffer.from([byte, 0b11]),
    ends: () => true,
  }));
};

const plainStreams: Subject[] = CONTAINERS.map((container) => ({
  name: container.name,
  bases: () => containerOf(container),
}));

export const DUMPS: readonly Subject[] = [
  { name: "elf-machine", bases: elfMachine },
  { name: "elf-process", bases: elfProcess },
  { name: "elf-flattened", bases: flattenedCores },
  { name: "xen", bases: xen },
  { name: "lime", bases: lime },
  { name: "avml", bases: avml },
  { name: "kdump-zlib", bases: codecs(coded.zlib(HALF), { flags: 1, data: deflateSync(Buffer.alloc(PAGE, "text")) }) },
  { name: "kdump-lzo", bases: codecs(coded.lzo(EIGHT, PAGE), coded.lzo(Buffer.alloc(8), PAGE)) },
  {
    name: "kdump-snappy",
    bases: codecs(coded.snappy(EIGHT, PAGE), { flags: 4, data: snappy(Buffer.alloc(PAGE, "some text")) }),
  },
  {
    name: "kdump-zstd",
    bases: codecs(coded.zstd(7, PAGE), HAS_ZSTD ? { flags: 0x20, data: zstd(HALF) } : coded.zstd(0, PAGE)),
  },
  {
    name: "kdump-split",
    bases: kdumps(
      { pages: SPLIT, part: [0, 4] },
      { pages: SPLIT, part: [3, 31], version: 5 },
      { pages: SPLIT, part: [1, 10], longBytes: 4, machine: "i686" },
    ),
  },
  { name: "kdump-flattened", bases: flattened },
  { name: "qemu-migration", bases: migration },
  { name: "virsh-save", bases: virshSave },
  { name: "virsh-save-packed", bases: virshPacked },
  { name: "gzip", bases: gzip },
  { name: "zstd", bases: zstdFiles, mostCases: 100 },
  ...plainStreams,
  { name: "raw-resident", bases: rawWithMap },
];

export const SUBJECTS: readonly Subject[] = [...DUMPS, ...INPUTS];
