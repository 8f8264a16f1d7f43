// Who wrote a kdump: it tells whether the dump holds memory of devices beside RAM.

import { BASE_PAGE_BYTES } from "../../core/hasher.js";
import type { PlainFile } from "../dump-file.js";
import { CORE_NOTE, eachNote } from "./elf-notes.js";
import { WRITER } from "./elf-writer.js";
import type { Board } from "./format.js";
import type { KdumpHeader } from "./kdump-header.js";

export interface KdumpWriter {
  /** As `inspect` names it; undefined: nothing tells. */
  writer: string | undefined;
  /** undefined: all of the dump is RAM. */
  board: Board | undefined;
}

/**
 * makedumpfile and diskdump copy the kernel's utsname. QEMU leaves all of it but the machine's name empty, and calls that
 * Unknown of late (dump/dump.c). Its own note stays in what makedumpfile makes of QEMU's cores, with their devices' memory.
 */
export async function writerOf(file: PlainFile, header: KdumpHeader): Promise<KdumpWriter> {
  const { signature, systemName, isNamed } = header;
  const noted = await kindByNotes(file, header);
  if (isNamed) {
    const writer = signature === "DISKDUMP" ? "diskdump" : systemName === "Linux" ? "makedumpfile" : undefined;
    if (!noted.isOfQemu) return { writer, board: undefined };
    return { writer: `makedumpfile, of ${WRITER.qemu}'s core`, board: boardOf("pc") };
  }
  return { writer: WRITER.qemu, board: boardOf(kindByName(header) ?? noted.kind ?? usualKind(header)) };
}

const boardOf = (kind: Board["kind"]): Board => ({ kind, writer: WRITER.qemu, hasHoles: false, hasBlocks: false });

function kindByName({ machine }: KdumpHeader): Board["kind"] | undefined {
  if (machine === "" || machine === "Unknown") return undefined;
  if (/^(x86_64|i.86)$/i.test(machine)) return "pc";
  if (/^(aarch64|arm)/.test(machine)) return "arm";
  return machine.startsWith("riscv") ? "riscv" : "other";
}

/** Bytes of the note of a processor's state, in 64 and 32 bit (QEMU: arch_dump.c of each target). */
const KIND_BY_STATE = new Map<number, Board["kind"]>([
  [336, "pc"],
  [144, "pc"],
  [392, "arm"],
  [148, "arm"],
  [376, "riscv"],
  [204, "riscv"],
]);

/** What the notes tell: only QEMU's x86 writes notes of the name QEMU. */
async function kindByNotes(
  file: PlainFile,
  { notes, wordBits, isLittleEndian: little }: KdumpHeader,
): Promise<{ isOfQemu: boolean; kind: Board["kind"] | undefined }> {
  let isOfQemu = false;
  let kind: Board["kind"] | undefined;
  await eachNote(file, { wide: wordBits === 64, little }, notes ? [notes] : [], ({ name, type, bytes }) => {
    isOfQemu ||= name === "QEMU";
    if (name === "CORE" && type === CORE_NOTE.prstatus)
      kind ??= little ? (KIND_BY_STATE.get(bytes) ?? "other") : "other";
  });
  return { isOfQemu, kind: isOfQemu ? "pc" : kind };
}

/** Without notes, little-endian 64-bit machines with pages of 4 KiB are mostly x86. */
const usualKind = ({ wordBits, isLittleEndian, blockBytes }: KdumpHeader): Board["kind"] =>
  wordBits === 64 && isLittleEndian && blockBytes === BASE_PAGE_BYTES ? "pc" : "other";
