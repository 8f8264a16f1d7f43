// From the blocks of a stream to a plan: which block is RAM, which addresses it has, and where each page's bytes are.

import type { PagekinError } from "../../../errors.js";
import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { CODE, ExtentList } from "../../extents.js";
import type { DumpPlan } from "../format.js";
import { type Block, inRamOrder, ramBlocks, unsureBlocks } from "./blocks.js";
import { filledWith, fillOf } from "./latest.js";
import { addressOf, layoutOf, type RamLayout, spanOf } from "./layout.js";
import { addMappedPages, type MappedRun } from "./mapped.js";
import type { Walked } from "./sections.js";
import type { CutShort } from "./stream.js";

/** No machine has more RAM, and every address of it is far below 2^53. */
const MOST_RAM_BYTES = 2 ** 46;
const MOST_NAMES_SHOWN = 4;
/** Extents of a plan: as many as single pages of 4 KiB in 512 GiB. They take some GiB of memory. */
const MOST_EXTENTS = 2 ** 27;

export async function planPages(file: DumpFile, walked: Walked, cut: CutShort | undefined): Promise<DumpPlan> {
  const { machine, pageBytes, capabilities } = walked.configuration;
  const blocks = [...walked.blocks.values()];
  const ordered = orderedRam(file, walked, blocks, cut);
  const ramBytes = ordered.reduce((sum, { bytes }) => sum + bytes, 0);
  if (ramBytes > MOST_RAM_BYTES) throw file.fault(walked.listAt, `no machine has ${ramBytes} bytes of RAM`);
  const layout = layoutOf(machine, ramBytes);
  const pages = new PlannedPages(file, walked.listAt, layout, pageBytes);
  for (const block of ordered) await pages.addBlock(block);
  if (pages.extents.count === 0) throw nothingSent(file, walked, cut);
  const plan: DumpPlan = {
    addressSpace: "physical",
    extents: pages.extents,
    wins: "last",
    span: spanOf(layout, ramBytes),
    blockBytes: blocks.reduce(
      (sum, block) => (ordered.includes(block) ? sum : sum + sentBytes(block, file, pageBytes)),
      0,
    ),
    repeatedBytes: blocks.reduce((sum, { latest }) => sum + latest.replaced * pageBytes, 0),
    notes: notesOf(walked, cut, ordered, layout, ramBytes - pages.bytes),
    details: {
      machine: machine ?? null,
      page_bytes: pageBytes,
      capabilities: [...capabilities],
      blocks: blocks.map((block) => ({
        name: block.name,
        bytes: block.bytes,
        is_ram: ordered.includes(block),
        sent_bytes: sentBytes(block, file, pageBytes),
        repeated_bytes: block.latest.replaced * pageBytes,
      })),
    },
  };
  const extra = pages.filledPages();
  return extra ? { ...plan, extra } : plan;
}

/** Bytes of a block that the stream describes; a mapped one may be cut. */
function sentBytes({ mapped, bytes, latest }: Block, file: DumpFile, pageBytes: number): number {
  if (!mapped) return latest.pages * pageBytes;
  return Math.min(bytes, Math.max(0, file.bytes - mapped.pages));
}

/** The blocks that are RAM, in the order of their addresses. */
function orderedRam(file: DumpFile, walked: Walked, blocks: readonly Block[], cut: CutShort | undefined): Block[] {
  const ram = ramBlocks(blocks);
  if (ram.length === 0) throw nothingSent(file, walked, cut);
  const ordered = inRamOrder(ram);
  if (ordered) return ordered;
  const names = ram.slice(0, MOST_NAMES_SHOWN).map(({ name, bytes }) => `${name} (${bytes} bytes)`);
  if (ram.length > names.length) names.push("...");
  throw file.fault(
    walked.listAt,
    `${ram.length} RAM blocks are the guest's memory, and a stream does not say at which addresses: ${names.join(", ")}`,
    "take the dump with dump-guest-memory instead",
  );
}

/** No page of RAM is in the stream, be it that the file is cut, or that the guest's memory was not sent. */
function nothingSent(file: DumpFile, { configuration, listAt }: Walked, cut: CutShort | undefined): PagekinError {
  if (cut) return file.fault(cut.offset, `the file ends before ${cut.what}`);
  const isShared = configuration.capabilities.has("x-ignore-shared");
  const hint = isShared ? "take the dump again without the capability x-ignore-shared" : undefined;
  return file.fault(listAt, "no page of the guest's RAM is in the stream", hint);
}

function notesOf(
  walked: Walked,
  cut: CutShort | undefined,
  ordered: readonly Block[],
  layout: RamLayout,
  missing: number,
): string[] {
  const notes: string[] = [];
  const { machine } = walked.configuration;
  if (cut) notes.push(`The file ends before ${cut.what}; ${consequence(walked)}.`);
  if (missing > 0) notes.push(`${missing} bytes of RAM are not in the stream and count as absent.`);
  if (ordered.length > 1)
    notes.push("The RAM of several NUMA nodes is placed in the order of the numbers that libvirt gives them.");
  for (const { name, bytes } of unsureBlocks([...walked.blocks.values()]).slice(0, MOST_NAMES_SHOWN))
    notes.push(`RAM block ${name} (${bytes} bytes) is taken for a device's own memory.`);
  if (!layout.known) {
    const which = machine === undefined ? "The stream does not name its machine" : `Machine ${machine} is not known`;
    notes.push(`${which}; addresses are offsets in RAM block ${ordered[0].name}.`);
  }
  return notes;
}

/** What it means that the file is cut. */
function consequence({ cut, configuration }: Walked): string {
  if (!cut) return "RAM is complete";
  if (configuration.capabilities.has("mapped-ram")) return "RAM behind that is absent";
  return "pages that were sent later, or sent again, are absent or older than the others";
}

/** Extents of the pages of RAM, block after block. */
class PlannedPages {
  readonly extents = new ExtentList();
  /** Bytes that the extents have. */
  bytes = 0;
  /** Bytes of RAM in the blocks before. */
  private base = 0;
  /** Zeros that the next page may make longer. */
  private zerosFrom = 0;
  private zeroBytes = 0;
  /** Bytes that fill a page each, in the order of their pages behind the file. */
  private readonly fills: number[] = [];
  private readonly offsetOfFill = new Float64Array(256);

  constructor(
    private readonly file: DumpFile,
    private readonly listAt: number,
    private readonly layout: RamLayout,
    private readonly pageBytes: number,
  ) {}

  async addBlock(block: Block): Promise<void> {
    if (block.mapped) await addMappedPages(this.file, block.mapped, block.bytes, (run) => this.addRun(run));
    else await block.latest.each((page, place, packed) => this.addPage(page, place, packed), breathe);
    this.endZeros();
    this.base += block.bytes;
  }

  /** The pages that have a byte to fill them, which lie behind the file's own bytes. */
  filledPages(): Uint8Array | undefined {
    if (this.fills.length === 0) return undefined;
    const pages = new Uint8Array(new SharedArrayBuffer(this.fills.length * this.pageBytes));
    for (const [i, fill] of this.fills.entries()) pages.fill(fill, i * this.pageBytes, (i + 1) * this.pageBytes);
    return pages;
  }

  private addPage(page: number, place: number, packed: number): void {
    const { pageBytes } = this;
    const address = addressOf(this.layout, this.base + page * pageBytes);
    this.bytes += pageBytes;
    if (place === filledWith(0)) {
      this.addZeros(address, pageBytes);
      return;
    }
    this.endZeros();
    this.checkRoom();
    if (packed > 0) this.extents.add(address, pageBytes, CODE.zlib, place, packed);
    else this.extents.addStored(address, pageBytes, place > 0 ? place : this.offsetFilledWith(fillOf(place)));
  }

  private addZeros(address: number, bytes: number): void {
    if (this.zerosFrom + this.zeroBytes !== address) this.endZeros();
    if (this.zeroBytes === 0) this.zerosFrom = address;
    this.zeroBytes += bytes;
  }

  private endZeros(): void {
    this.checkRoom();
    this.extents.addZero(this.zerosFrom, this.zeroBytes);
    this.zeroBytes = 0;
  }

  private offsetFilledWith(fill: number): number {
    if (this.offsetOfFill[fill] === 0) {
      this.offsetOfFill[fill] = this.file.bytes + this.fills.length * this.pageBytes;
      this.fills.push(fill);
    }
    return this.offsetOfFill[fill];
  }

  /** A run of a mapped block; offset undefined: zeros. The hole below 4 GiB may split it. */
  private addRun({ from, bytes, offset }: MappedRun): void {
    this.checkRoom();
    this.bytes += bytes;
    const first = this.base + from;
    const low = Math.min(bytes, Math.max(0, this.layout.lowBytes - first));
    for (const [skipped, length] of [
      [0, low],
      [low, bytes - low],
    ]) {
      const address = addressOf(this.layout, first + skipped);
      if (offset === undefined) this.extents.addZero(address, length);
      else this.extents.addStored(address, length, offset + skipped);
    }
  }

  private checkRoom(): void {
    if (this.extents.count >= MOST_EXTENTS)
      throw this.file.fault(
        this.listAt,
        `RAM lies in more than ${MOST_EXTENTS} pieces`,
        "take the dump in another format",
      );
  }
}
