// Every dump format: how its files begin and are named, and where its reader is, which is loaded for such files only. A new
// one is a file beside this one and an entry here.

import type { Container, DumpFormat } from "./format.js";
import { raw } from "./raw.js";

interface Entry {
  name: string;
  /** That its files' names end in; they are left out of a member's name. */
  extensions: readonly string[];
  /** Whether a file that begins with this head may be of the format; its own probe decides. */
  maybe(head: Buffer): boolean;
  /** Whether its pages are compressed one by one. */
  hasPackedPages?: true;
  load(): Promise<DumpFormat | Container>;
}

const beginsWith =
  (...signatures: string[]) =>
  (head: Buffer) =>
    signatures.some((signature) => head.toString("latin1", 0, signature.length) === signature);

const FORMATS: readonly Entry[] = [
  {
    name: "kdump",
    extensions: ["kdump", "flat"],
    maybe: beginsWith("KDUMP   ", "DISKDUMP", "makedumpfile"),
    hasPackedPages: true,
    load: async () => (await import("./kdump.js")).kdump,
  },
  { name: "xen", extensions: [], maybe: beginsWith("\x7fELF"), load: async () => (await import("./xen.js")).xen },
  {
    name: "elf",
    extensions: ["elf", "core"],
    maybe: beginsWith("\x7fELF"),
    load: async () => (await import("./elf.js")).elf,
  },
  // What LiME writes may be one zlib stream.
  {
    name: "lime",
    extensions: ["lime"],
    maybe: (head) => beginsWith("EMiL", "LiME")(head) || isZlib(head),
    load: async () => (await import("./lime.js")).lime,
  },
  {
    name: "avml",
    extensions: ["avml"],
    maybe: beginsWith("AVML", "LMVA"),
    hasPackedPages: true,
    load: async () => (await import("./avml.js")).avml,
  },
  {
    name: "qemu-migration",
    extensions: ["migration"],
    maybe: beginsWith("QEVM"),
    load: async () => (await import("./qemu-migration.js")).qemuMigration,
  },
  {
    name: "virsh-save",
    extensions: ["save"],
    maybe: beginsWith("LibvirtQemud"),
    load: async () => (await import("./virsh-save.js")).virshSave,
  },
];

const isZlib = (head: Buffer) => head.length >= 2 && (head[0] & 15) === 8 && head.readUInt16BE(0) % 31 === 0;

const RAW_EXTENSIONS = ["raw", "dump", "mem", "img", "bin", "vmem"];

export const DUMP_EXTENSIONS = [...RAW_EXTENSIONS, ...FORMATS.flatMap(({ extensions }) => extensions)];

/** As ledger.csv and --format have them. */
export const FORMAT_NAMES = [raw.name, ...FORMATS.map(({ name }) => name)];

/** The format of a file that begins so, if it has a signature. */
export async function dumpFormatOf(head: Buffer): Promise<DumpFormat | Container | undefined> {
  for (const { maybe, load } of FORMATS) {
    if (!maybe(head)) continue;
    const format = await load();
    if (format.probe(head)) return format;
  }
  return undefined;
}

/** Raw is what is left. */
export async function dumpFormatNamed(name: string): Promise<DumpFormat | Container> {
  return FORMATS.find((format) => format.name === name)?.load() ?? raw;
}

/** Whether dumps of a format have their pages compressed one by one. */
export const hasPackedPages = (name: string): boolean =>
  FORMATS.some((format) => format.name === name && format.hasPackedPages === true);
