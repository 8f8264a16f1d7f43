// Cores as Xen's dump-core writes them: sections, no segments.

const NO_PAGE = 0xffffffffffffffffn;

export interface XenCore {
  /** "hvm": .xen_pfn; "pv": .xen_p2m. */
  guest?: "hvm" | "pv";
  /** Pages in the order of the file; a number of -1: no page. */
  pages: { number: bigint | number; bytes: Uint8Array }[];
  machine?: number;
  /** The length of a page that the note tells; false: there is no note. */
  pageBytes?: bigint | number | false;
  /** Whether the numbers stand before the pages. Xen writes them behind. */
  numbersFirst?: boolean;
  /** Whether the names of the sections stand before all. Xen writes them last. */
  namesFirst?: boolean;
  /** Numbers without pages behind the others. */
  surplusNumbers?: number;
  /** Sections that are left out. */
  without?: string[];
}

interface Part {
  name: string;
  type: number;
  bytes: Uint8Array;
}

const u64s = (...values: (bigint | number)[]) =>
  Buffer.from(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);

const u32s = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);

function noteOf(core: XenCore): Part {
  const { guest = "hvm", pages, pageBytes = 4096 } = core;
  const owner = Buffer.from("Xen\0");
  const header = u64s(guest === "hvm" ? 0xf00febeen : 0xf00febedn, 1, pages.length, pageBytes || 0);
  const bytes = Buffer.concat([u32s(4, 0, 0x2000000), owner, u32s(4, header.length, 0x2000001), owner, header]);
  return { name: ".note.Xen", type: 7, bytes };
}

function partsOf(core: XenCore): Part[] {
  const { guest = "hvm", pages, numbersFirst = false, surplusNumbers = 0 } = core;
  const numbers = [...pages.map(({ number }) => (number === -1 ? NO_PAGE : BigInt(number)))];
  for (let i = 0; i < surplusNumbers; i++) numbers.push(BigInt(1000 + i));
  const table: Part =
    guest === "hvm"
      ? { name: ".xen_pfn", type: 1, bytes: u64s(...numbers) }
      : { name: ".xen_p2m", type: 1, bytes: u64s(...numbers.flatMap((number) => [number, number ^ 0x5555n])) };
  const memory: Part = { name: ".xen_pages", type: 1, bytes: Buffer.concat(pages.map(({ bytes }) => bytes)) };
  const context: Part = { name: ".xen_prstatus", type: 1, bytes: Buffer.alloc(100) };
  const parts = [
    ...(core.pageBytes === false ? [] : [noteOf(core)]),
    context,
    ...(numbersFirst ? [table, memory] : [memory, table]),
  ];
  return parts.filter(({ name }) => !core.without?.includes(name));
}

/** The bytes of a core: header, section headers, then the sections, their names last as a rule. */
export function xenCore(core: XenCore): Buffer {
  const parts = partsOf(core);
  const names = Buffer.from(`\0${[".shstrtab", ...parts.map(({ name }) => name)].map((name) => `${name}\0`).join("")}`);
  const strings: Part = { name: ".shstrtab", type: 3, bytes: names };
  const all = core.namesFirst ? [strings, ...parts] : [...parts, strings];
  const sections = all.length + 1;
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(4, 16);
  header.writeUInt16LE(core.machine ?? 62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(64n, 40);
  [64, 56, 0, 64, sections, all.indexOf(strings) + 1].forEach(
    (value, i) => void header.writeUInt16LE(value, 52 + 2 * i),
  );
  let offset = 64 + 64 * sections;
  const headers = all.map(({ name, type, bytes }) => {
    const nameAt = names.indexOf(`\0${name}\0`) + 1;
    // Name and type; flags, address, offset, size; link and info; alignment and length of an entry.
    const entry = Buffer.concat([u32s(nameAt, type), u64s(0, 0, offset, bytes.length), u32s(0, 0), u64s(1, 0)]);
    offset += bytes.length;
    return entry;
  });
  return Buffer.concat([header, Buffer.alloc(64), ...headers, ...all.map(({ bytes }) => bytes)]);
}
