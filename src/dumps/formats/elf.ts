// ELF cores: of a machine (QEMU, libvirt, VirtualBox, /proc/vmcore, makedumpfile -E), by physical addresses, and of a process
// (the kernel, gcore), by virtual ones. A machine's core without physical addresses goes by virtual ones too.

import { formatHex } from "../../text/format.js";
import type { DumpFile, PlainFile } from "../dump-file.js";
import { numberOf, type Parts, RegionSet } from "../folding.js";
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
  type Segment,
} from "./elf-header.js";
import { addressOf, hasAddress, Loads } from "./elf-loads.js";
import { eachNote, type Note, type NoteRange } from "./elf-notes.js";
import { isOfProcess, KernelPages, ProcessNotes } from "./elf-process.js";
import { boardOf, isOfMachine, writerOf } from "./elf-writer.js";
import { Flattened, isFlattened, SIGNATURE_BYTES } from "./flattened.js";
import type { AddressSpace, DumpFormat, DumpPlan, PlanSettings } from "./format.js";

export const elf: DumpFormat = {
  name: "elf",
  probe: (head) => head.length >= 4 && head.readUInt32BE(0) === MAGIC && !hasSectionsOnly(head),
  async plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
    const isInChunks = isFlattened(file.read(0, Math.min(SIGNATURE_BYTES, file.bytes), "its signature"));
    return isInChunks
      ? planFlattenedCore(await Flattened.open(file, settings.allowTruncated), settings)
      : planCore(file, settings);
  },
};

/** The plan of a core that makedumpfile has flattened (-F -E). */
export async function planFlattenedCore(file: Flattened, settings: PlanSettings): Promise<DumpPlan> {
  const plan = await planCore(file, settings);
  const { board, notes, details } = plan;
  return {
    ...plan,
    format: elf.name,
    extents: await file.placed(plan.extents),
    // An extent is what one chunk has.
    ...(board && { board: { ...board, hasBlocks: false } }),
    notes: file.isCut ? [...notes, "The file ends before its end mark: chunks may be missing."] : notes,
    details: { ...details, flattened_chunks: file.chunks },
  };
}

async function planCore(file: PlainFile, settings: PlanSettings): Promise<DumpPlan> {
  const header = readHeader(file);
  const survey = await surveySegments(file, header, settings);
  if (survey.loads === 0) throw file.fault(0, "this ELF core has no LOAD segment, so no memory");
  const noted = await readNotes(file, header, survey);
  const isProcess = noted.ofProcess ?? !survey.isPhysical;
  if (!isProcess && isIncomplete(header) && !settings.allowTruncated) {
    const hint = "take the dump again, or accept truncated dumps with --allow-truncated";
    throw file.fault(header.fields.flags, "its writer marked this dump as incomplete", hint);
  }
  const addressSpace = isProcess || !survey.isPhysical ? "virtual" : "physical";
  const parts = await partsOf(file, header, addressSpace);
  const loads = new Loads(file, settings, addressSpace, parts);
  const kernelPages = isProcess ? new KernelPages(noted.process, header.machine, parts) : undefined;
  await eachSegment(file, header, (segment) => {
    if (segment.type !== SEGMENT.load) return;
    const address = loads.add(segment);
    if (address !== undefined) kernelPages?.look(address, segment);
  });
  loads.check(header.phoff);
  const { extents, span, unplacedBytes } = loads;
  const writer = isProcess ? undefined : writerOf(noted.owners, header, survey);
  const board = addressSpace === "physical" ? boardOf(writer, header, survey) : undefined;
  return {
    ...{ addressSpace, parts, extents, span },
    wins: "first",
    ...(board && { board }),
    ...(kernelPages && { outside: kernelPages.ranges }),
    blockBytes: unplacedBytes,
    notes: remarks(header, isProcess, addressSpace, noted, loads),
    details: {
      kind: isProcess ? "process" : "machine",
      ...(writer && { writer }),
      machine: nameOfMachine(header),
      segments: survey.loads,
      notes: [...noted.owners].slice(0, MOST_OWNERS),
      ...(isProcess ? detailsOf(noted.process) : {}),
    },
  };
}

/** What the segments tell. */
interface Survey {
  loads: number;
  notes: NoteRange[];
  /** Whether notes lie behind the end of a cut file. gcore writes them last. */
  notesCut: boolean;
  /** Whether the segments have physical addresses, or no addresses at all. */
  isPhysical: boolean;
  /** Whether every virtual address is 0 or the physical one: those of QEMU without paging, of VirtualBox. */
  isUnmapped: boolean;
}

async function surveySegments(file: PlainFile, header: ElfHeader, settings: PlanSettings): Promise<Survey> {
  const survey: Survey = { loads: 0, notes: [], notesCut: false, isPhysical: false, isUnmapped: true };
  let hasVirtual = false;
  await eachSegment(file, header, (segment) => {
    const { type, offset, filesz, vaddr, paddr, index } = segment;
    if (type === SEGMENT.load) {
      survey.loads++;
      survey.isPhysical ||= paddr !== 0n && hasAddress(segment, "physical");
      hasVirtual ||= vaddr !== 0n;
      survey.isUnmapped &&= vaddr === 0n || vaddr === paddr;
    }
    if (type !== SEGMENT.note || filesz === 0) return;
    if (file.has(offset, filesz)) survey.notes.push({ offset, bytes: filesz });
    else if (settings.allowTruncated) survey.notesCut = true;
    else throw file.cut(file.bytes, `the end of segment ${index}, which holds notes`);
  });
  survey.isPhysical ||= !hasVirtual;
  return survey;
}

/** How the addresses of the segments are folded. */
async function partsOf(file: PlainFile, header: ElfHeader, addressSpace: AddressSpace): Promise<Parts> {
  const regions = new RegionSet();
  await eachSegment(file, header, (segment: Segment) => {
    const { type, memsz, at, index } = segment;
    if (type !== SEGMENT.load || !hasAddress(segment, addressSpace)) return;
    const address = addressOf(segment, addressSpace);
    if (!regions.add(address, memsz)) {
      const range = `0x${address.toString(16)} + 0x${memsz.toString(16)}`;
      throw file.fault(at, `segment ${index} has an impossible range of addresses (${range})`);
    }
  });
  return regions.parts;
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

async function readNotes(file: PlainFile, header: ElfHeader, survey: Survey): Promise<Noted> {
  const process = new ProcessNotes(file, header);
  const owners = new Set<string>();
  let ofProcess: boolean | undefined;
  const broken = await eachNote(file, header, survey.notes, (note: Note) => {
    if (owners.size < MOST_OWNERS || isOfMachine(note)) owners.add(note.name);
    if (isOfMachine(note)) ofProcess = false;
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

function remarks(
  header: ElfHeader,
  isProcess: boolean,
  addressSpace: AddressSpace,
  { process, broken, cut }: Noted,
  { missingBytes, unplacedBytes }: Loads,
): string[] {
  const found: string[] = [];
  if (missingBytes > 0)
    found.push(`The file is cut short: ${missingBytes} bytes are missing up to the end of its last segment.`);
  if (!isProcess && isIncomplete(header)) found.push("Its writer marked this dump as incomplete.");
  if (!isProcess && addressSpace === "virtual")
    found.push(
      "It has no physical addresses: virtual ones are used, so memory that the kernel maps twice counts twice.",
    );
  if (unplacedBytes > 0)
    found.push(
      `${unplacedBytes} bytes are left out: they have no physical address (kernel mappings, as in /proc/kcore).`,
    );
  if (cut) found.push("The file ends before its notes, so what they say is not known.");
  if (broken !== undefined) found.push(`The note at ${formatHex(broken)} is longer than all notes together.`);
  if (isProcess && process.mappingsLie) found.push("The list of mapped files is shorter than it says.");
  return found;
}

function detailsOf({ pid, name, mappings }: ProcessNotes): Record<string, unknown> {
  const exact = mappings?.map(({ start, end, file }) => ({ start: numberOf(start), end: numberOf(end), file }));
  return { ...(pid !== undefined && { pid }), ...(name !== undefined && { name }), ...(exact && { mappings: exact }) };
}
