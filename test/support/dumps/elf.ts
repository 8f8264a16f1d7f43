// ELF cores as their writers lay them out, every field at will.

const CORE_FILE = 0x46494c45;

export interface Load {
  vaddr?: bigint | number;
  paddr?: bigint | number;
  /** What the file has of it. */
  bytes?: Uint8Array;
  /** How much memory it was; as much as the bytes. */
  memory?: bigint | number;
  /** 4: may be read, 2: written, 1: executed. */
  flags?: number;
  /** Instead of where the bytes are. */
  offset?: bigint | number;
  /** Instead of how many they are. */
  fileBytes?: bigint | number;
}

export interface Note {
  owner: string;
  type: number;
  bytes: Uint8Array;
  /** Instead of the length of the owner's name with its zero byte. */
  ownerBytes?: number;
  /** Instead of how many bytes there are. */
  says?: number;
}

export interface Core {
  loads?: Load[];
  notes?: Note[];
  bits?: 32 | 64;
  bigEndian?: boolean;
  /** 2: executable; 4: core. */
  type?: number;
  machine?: number;
  flags?: number;
  /** Where the notes are: before the memory, or behind it as gcore puts them. */
  notesAt?: "first" | "last";
  /** A section header between the file's header and the program headers, as QEMU has it. */
  sectionFirst?: boolean;
  /** The number of segments stands in section 0. */
  countInSection?: boolean;
  /** Instead of the number of segments. */
  count?: number;
  /** Bytes of a program header. */
  entryBytes?: number;
}

/** Writes numbers one after the other in the class and byte order of a core. */
class Writer {
  private readonly parts: Buffer[] = [];

  constructor(
    private readonly bits: 32 | 64,
    private readonly bigEndian: boolean,
  ) {}

  int(bytes: 2 | 4 | 8, value: bigint | number): this {
    const part = Buffer.alloc(bytes);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < bytes; i++, rest >>= 8n) part[this.bigEndian ? bytes - 1 - i : i] = Number(rest & 0xffn);
    return this.raw(part);
  }

  half = (value: number) => this.int(2, value);
  int4 = (value: number) => this.int(4, value);
  word = (value: bigint | number) => this.int(this.bits === 64 ? 8 : 4, value);

  raw(bytes: Uint8Array): this {
    this.parts.push(Buffer.from(bytes));
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

const pad4 = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

function writeNote(out: Writer, { owner, type, bytes, ownerBytes, says }: Note): void {
  const name = Buffer.from(`${owner}\0`);
  out
    .int4(ownerBytes ?? name.length)
    .int4(says ?? bytes.length)
    .int4(type)
    .raw(pad4(name))
    .raw(pad4(bytes));
}

/** The bytes of a core: header, section 0 if there is one, program headers (notes first), notes, memory. */
export function elfCore(core: Core): Buffer {
  const { loads = [], notes = [], bits = 64, bigEndian = false, notesAt = "first" } = core;
  const writer = () => new Writer(bits, bigEndian);
  const [headerBytes, segmentBytes, sectionBytes] = bits === 64 ? [64, 56, 64] : [52, 32, 40];
  const hasSection = core.sectionFirst || core.countInSection;
  const headersAt = headerBytes + (hasSection ? sectionBytes : 0);
  const segments = loads.length + (notes.length > 0 ? 1 : 0);

  const noted = writer();
  for (const note of notes) writeNote(noted, note);
  const memory = Buffer.concat(loads.map(({ bytes = new Uint8Array() }) => bytes));
  const behind = headersAt + segments * segmentBytes;
  const memoryAt = behind + (notesAt === "first" ? noted.bytes.length : 0);
  const notesOffset = notesAt === "first" ? behind : behind + memory.length;

  const out = writer();
  out.raw(Buffer.from([0x7f, 0x45, 0x4c, 0x46, bits / 32, bigEndian ? 2 : 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  out
    .half(core.type ?? 4)
    .half(core.machine ?? 62)
    .int4(1);
  out
    .word(0)
    .word(headersAt)
    .word(hasSection ? headerBytes : 0);
  out
    .int4(core.flags ?? 0)
    .half(headerBytes)
    .half(core.entryBytes ?? segmentBytes);
  out.half(core.countInSection ? 0xffff : (core.count ?? segments));
  out
    .half(hasSection ? sectionBytes : 0)
    .half(hasSection ? 1 : 0)
    .half(0);
  if (hasSection) {
    // Name and type; flags, address, offset, size; link and info; alignment and length of an entry.
    out.int4(0).int4(0).word(0).word(0).word(0).word(0);
    out
      .int4(0)
      .int4(core.countInSection ? (core.count ?? segments) : 0)
      .word(0)
      .word(0);
  }
  const segment = (type: number, offset: bigint | number, load: Load, fileBytes: bigint | number) => {
    const { vaddr = 0, paddr = 0, flags = 6 } = load;
    out.int4(type);
    if (bits === 64) out.int4(flags);
    out
      .word(offset)
      .word(vaddr)
      .word(paddr)
      .word(fileBytes)
      .word(load.memory ?? fileBytes);
    if (bits === 32) out.int4(flags);
    out.word(1);
  };
  if (notes.length > 0) segment(4, notesOffset, { memory: 0 }, noted.bytes.length);
  let at = memoryAt;
  for (const load of loads) {
    const length = load.bytes?.length ?? 0;
    segment(1, load.offset ?? at, load, load.fileBytes ?? length);
    at += length;
  }
  return notesAt === "first"
    ? Buffer.concat([out.bytes, noted.bytes, memory])
    : Buffer.concat([out.bytes, memory, noted.bytes]);
}

/** A note that QEMU writes for each processor. */
export function qemuNote(): Note {
  const bytes = Buffer.alloc(440);
  bytes.writeUInt32LE(1, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  return { owner: "QEMU", type: 0, bytes };
}

export const registersNote = (): Note => ({ owner: "CORE", type: 1, bytes: Buffer.alloc(336) });

export const vmcoreinfoNote = (): Note => ({
  owner: "VMCOREINFO",
  type: 0,
  bytes: Buffer.from("OSRELEASE=6.1.0\nPAGESIZE=4096\n"),
});

/** VirtualBox does not count the zero byte of the owner's name. */
export function virtualBoxNotes(): Note[] {
  const core = Buffer.alloc(24);
  [0xc01ac0de, 0x00010005, 24, 0x07000e00, 161095, 1].forEach((value, i) => void core.writeUInt32LE(value, 4 * i));
  return [
    { owner: "VBCORE", ownerBytes: 6, type: 0xb00, bytes: core },
    { owner: "VBCPU", ownerBytes: 5, type: 0xb01, bytes: Buffer.alloc(64) },
  ];
}

export interface MappedFile {
  start: bigint | number;
  end: bigint | number;
  file: string;
}

export interface Process {
  pid?: number;
  name?: string;
  /** Where the vdso is. */
  vdso?: bigint | number;
  files?: MappedFile[];
  /** Instead of how many mapped files there are. */
  fileCount?: number;
}

/** The notes that the kernel and gcore write for a process. */
export function processNotes(process: Process, bits: 32 | 64 = 64, bigEndian = false): Note[] {
  const { pid = 77, name = "worker", vdso, files = [], fileCount = files.length } = process;
  const writer = () => new Writer(bits, bigEndian);
  // State and flags, user and group, the process and its parent, group and session, its name and its arguments.
  const info = writer().int4(0).word(0x400000);
  if (bits === 64) info.int4(0).int4(1000).int4(1000);
  else info.half(1000).half(1000);
  info.int4(pid).int4(1).int4(pid).int4(pid);
  info.raw(Buffer.concat([Buffer.from(name), Buffer.alloc(16 - name.length)])).raw(Buffer.alloc(80));
  const auxiliary = writer().word(6).word(4096);
  if (vdso !== undefined) auxiliary.word(33).word(vdso);
  const mapped = writer().word(fileCount).word(4096);
  for (const { start, end } of files) mapped.word(start).word(end).word(0);
  for (const { file } of files) mapped.raw(Buffer.from(`${file}\0`));
  return [
    { owner: "CORE", type: 1, bytes: Buffer.alloc(336) },
    { owner: "CORE", type: 3, bytes: info.bytes },
    { owner: "CORE", type: 6, bytes: auxiliary.word(0).word(0).bytes },
    { owner: "CORE", type: CORE_FILE, bytes: mapped.bytes },
  ];
}
