// Who wrote the core of a machine: it tells whether the core holds memory of devices beside RAM.

import { type ElfHeader, isX86, MACHINE } from "./elf-header.js";
import type { Note } from "./elf-notes.js";
import type { Board } from "./format.js";

/** Owners of notes that only cores of machines have. Xen's are those of a host that crashed: makedumpfile keeps them. */
const OF_MACHINE = new Set(["QEMU", "VMCOREINFO", "VBCORE", "VBCPU", "Xen", "VMCOREINFO_XEN"]);

export const isOfMachine = ({ name }: Note): boolean => OF_MACHINE.has(name);

/** As `inspect` names them. */
export const WRITER = {
  qemu: "QEMU",
  virtualBox: "VirtualBox",
  xenHost: "Linux after a crash of Xen (/proc/vmcore, makedumpfile)",
  linux: "Linux (/proc/vmcore, makedumpfile)",
} as const;

export type Writer = (typeof WRITER)[keyof typeof WRITER];

/**
 * The writer, by the owners of the notes; undefined: they do not tell. QEMU's own note is there on x86 alone. Elsewhere its
 * cores are those with a processor's state (CORE) and no virtual addresses; Linux has them in all cores but those of s390.
 */
export function writerOf(
  owners: ReadonlySet<string>,
  { machine }: ElfHeader,
  { isUnmapped }: { isUnmapped: boolean },
): Writer | undefined {
  if (owners.has("QEMU")) return WRITER.qemu;
  if (owners.has("VBCORE")) return WRITER.virtualBox;
  if (owners.has("Xen") || owners.has("VMCOREINFO_XEN")) return WRITER.xenHost;
  if (owners.has("CORE") && isUnmapped && MACHINES_OF_QEMU.has(machine)) return WRITER.qemu;
  if (owners.has("VMCOREINFO") || (owners.has("CORE") && !isUnmapped)) return WRITER.linux;
  return undefined;
}

/** Of the processors that QEMU writes cores of without a note of its own, those that Linux never writes so. */
const MACHINES_OF_QEMU = new Set<number>([
  MACHINE.arm,
  MACHINE.ppc,
  MACHINE.ppc64,
  MACHINE.aarch64,
  MACHINE.riscv,
  MACHINE.loongarch,
]);

/** What board's rules tell RAM from devices; undefined: all of the core is RAM, as Linux says what is. */
export function boardOf(
  writer: Writer | undefined,
  header: ElfHeader,
  { isUnmapped }: { isUnmapped: boolean },
): Board | undefined {
  if (writer !== WRITER.qemu && writer !== WRITER.virtualBox) return undefined;
  const { machine } = header;
  const isArm = machine === MACHINE.arm || machine === MACHINE.aarch64;
  const kind = isX86(header) ? "pc" : isArm ? "arm" : machine === MACHINE.riscv ? "riscv" : "other";
  // With paging there is a segment for each mapping, and what no page table maps is missing.
  return { kind, writer, hasHoles: !isUnmapped, hasBlocks: isUnmapped && writer === WRITER.qemu };
}
