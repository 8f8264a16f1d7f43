// ELF cores: of a machine (QEMU, libvirt, VirtualBox, /proc/vmcore, makedumpfile -E), by physical addresses, and of a process
// (the kernel, gcore), by virtual ones.

import type { DumpFile } from "../dump-file.js";
import {
  type ElfHeader,
  eachSegment,
  hasSectionsOnly,
  isX86,
  MACHINE,
  MAGIC,
  nameOfMachine,
  readHeader,
  SEGMENT,
} from "./elf-header.js";
import { Loads } from "./elf-loads.js";
import { eachNote, type Note, type NoteRange } from "./elf-notes.js";
import { isOfProcess, KernelPages, ProcessNotes } from "./elf-process.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";

export const elf: DumpFormat = {
  name: "elf",
  probe: (head) => head.length >= 4 && head.readUInt32BE(0) === MAGIC && !hasSectionsOnly(head),
  plan,
};

async function plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
  const header = readHeader(file);
  const survey = await surveySegments(file, header, settings);
  if (survey.loads === 0) throw file.fault(0, "this ELF core has no LOAD segment, so no memory");
  const noted = await readNotes(file, header, survey);
  const isProcess = noted.ofProcess ?? !survey.physical;
  if (!isProcess && isIncomplete(header) && !settings.allowTruncated) {
    const hint = "take the dump again, or read what is there with --allow-truncated";
    throw file.fault(header.fields.flags, "its writer marked this dump as incomplete", hint);
  }
  const loads = new Loads(file, settings, isProcess);
  const kernelPages = new KernelPages(noted.process);
  await eachSegment(file, header, (segment) => {
    if (segment.type !== SEGMENT.load) return;
    loads.add(segment);
    kernelPages.look(segment);
  });
  loads.check(header.phoff);
  const { extents, span, blockBytes } = loads;
  return {
    addressSpace: isProcess ? "virtual" : "physical",
    extents,
    wins: "first",
    isX86: !isProcess && isX86(header),
    span,
    ...(isProcess ? { outside: kernelPages.ranges, blockBytes } : {}),
    notes: remarks(header, isProcess, noted, loads),
    details: {
      kind: isProcess ? "process" : "machine",
      machine: nameOfMachine(header),
      segments: survey.loads,
      notes: [...noted.owners],
      ...(isProcess ? detailsOf(noted.process) : {}),
    },
  };
}

interface Survey {
  loads: number;
  notes: NoteRange[];
  /** Whether notes lie behind the end of a cut file. gcore writes them last. */
  notesCut: boolean;
  /** Whether the segments have physical addresses, or no addresses at all. */
  physical: boolean;
}

async function surveySegments(file: DumpFile, header: ElfHeader, settings: PlanSettings): Promise<Survey> {
  const survey: Survey = { loads: 0, notes: [], notesCut: false, physical: false };
  let virtual = false;
  await eachSegment(file, header, ({ type, offset, filesz, vaddr, paddr, index }) => {
    if (type === SEGMENT.load) {
      survey.loads++;
      survey.physical ||= paddr !== 0;
      virtual ||= vaddr !== 0;
    }
    if (type !== SEGMENT.note || filesz === 0) return;
    if (file.has(offset, filesz)) survey.notes.push({ offset, bytes: filesz });
    else if (settings.allowTruncated) survey.notesCut = true;
    else throw file.cut(file.bytes, `the end of segment ${index}, which holds notes`);
  });
  survey.physical ||= !virtual;
  return survey;
}

interface Noted {
  /** Whether the notes are those of a process or of a machine; undefined: they do not say. */
  ofProcess: boolean | undefined;
  owners: Set<string>;
  process: ProcessNotes;
  /** Where a note stands that is longer than what is left for it. */
  broken: number | undefined;
  cut: boolean;
}

/** Names that are shown; a hostile file may have any number. */
const MOST_OWNERS = 32;
const OF_MACHINE = new Set(["QEMU", "VMCOREINFO", "VBCORE", "VBCPU", "Xen"]);

async function readNotes(file: DumpFile, header: ElfHeader, survey: Survey): Promise<Noted> {
  const process = new ProcessNotes(file, header);
  const owners = new Set<string>();
  let ofProcess: boolean | undefined;
  const broken = await eachNote(file, header, survey.notes, (note: Note) => {
    if (owners.size < MOST_OWNERS) owners.add(note.name);
    if (OF_MACHINE.has(note.name)) ofProcess = false;
    else if (isOfProcess(note)) {
      ofProcess ??= true;
      process.take(note);
    }
  });
  return { ofProcess, owners, process, broken, cut: survey.notesCut };
}

/** makedumpfile sets this flag when the disk was full. Other machines than these have flags of their own there. */
function isIncomplete(header: ElfHeader): boolean {
  return (isX86(header) || header.machine === MACHINE.aarch64) && (header.flags & 1) !== 0;
}

function remarks(header: ElfHeader, isProcess: boolean, { process, broken, cut }: Noted, loads: Loads): string[] {
  const found: string[] = [];
  if (loads.missingBytes > 0)
    found.push(`the file is cut short: ${loads.missingBytes} bytes are missing up to the end of its last segment`);
  if (!isProcess && isIncomplete(header)) found.push("its writer marked this dump as incomplete");
  if (cut) found.push("the file ends before its notes, so what they say is not known");
  if (broken !== undefined) found.push(`the note at 0x${broken.toString(16)} is longer than the notes are`);
  if (isProcess && process.mappingsLie) found.push("the list of mapped files is shorter than it says");
  return found;
}

function detailsOf({ pid, name, mappings }: ProcessNotes): Record<string, unknown> {
  return { pid, name, mappings };
}
