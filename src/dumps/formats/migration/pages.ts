// From the blocks of a stream to a plan: which block is RAM, which addresses it has, and where each page's bytes are.

import type { PagekinError } from "../../../errors.js";
import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { CODE, ExtentList } from "../../extents.js";
import type { DumpPlan } from "../format.js";
import type { Block } from "./blocks.js";
import { deviceNames } from "./description.js";
import type { StreamEnd } from "./end.js";
import { namedLikeDevices, pathsIn, ramBlocks, virtioMemBlocks } from "./guest-ram.js";
import { filledWith, fillOf } from "./latest.js";
import { addressOf } from "./layout.js";
import { addMappedPages, type MappedRun } from "./mapped.js";
import { notesOf } from "./notes.js";
import { type PlacedBlock, placed, startOf } from "./placement.js";
import { addPlugged, pluggedIn } from "./plugged.js";
import type { CutShort } from "./stream.js";
import type { Walked } from "./walk.js";

/** No machine has more RAM, and every address of it is far below 2^53. */
const MOST_RAM_BYTES = 2 ** 46;
/** Extents of a plan: as many as single pages of 4 KiB in 512 GiB. They take some GiB of memory. */
const MOST_EXTENTS = 2 ** 27;

export async function planPages(file: DumpFile, walked: Walked, end: StreamEnd): Promise<DumpPlan> {
  const { machine, pageBytes, capabilities } = walked.configuration;
  const cut = walked.cut ?? end.cut;
  const blocks = [...walked.blocks.values()];
  const devices = devicesOf(file, blocks, end);
  const ram = ramBlocks(blocks, devices);
  if (ram.length === 0) throw nothingSent(file, walked, cut);
  const ramBytes = ram.reduce((sum, { bytes }) => sum + bytes, 0);
  if (ramBytes > MOST_RAM_BYTES)
    throw file.fault(walked.listAt, `${ramBytes} bytes of RAM are more than a machine can have`);
  const placement = placed(machine, ram);
  const pages = new PlannedPages(file, walked, pageBytes);
  for (const block of placement.blocks) await pages.addBlock(block);
  if (pages.extents.count === 0) throw nothingSent(file, walked, cut);
  const startOfBlock = new Map(placement.blocks.map((block) => [block.block, startOf(block)]));
  const plan: DumpPlan = {
    addressSpace: "physical",
    extents: pages.extents,
    wins: "last",
    span: placement.span,
    blockBytes: blocks.reduce(
      (sum, block) => (startOfBlock.has(block) ? sum : sum + sentBytes(block, file, pageBytes)),
      0,
    ),
    repeatedBytes: blocks.reduce((sum, { latest }) => sum + latest.replaced * pageBytes, 0),
    notes: notesOf(walked, end, placement, {
      missing: ramBytes - pages.bytes,
      leftOut: namedLikeDevices(blocks),
      unplugged: virtioMemBlocks(ram, devices).filter((block) => block.mapped && !pages.asPlugged.has(block)),
    }),
    details: {
      machine: machine ?? null,
      page_bytes: pageBytes,
      capabilities: [...capabilities],
      blocks: blocks.map((block) => ({
        name: block.name,
        bytes: block.bytes,
        is_ram: startOfBlock.has(block),
        address: startOfBlock.get(block) ?? null,
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

/** The names of the guest's devices, if they matter: a block's path may be that of memory that guests share. */
function devicesOf(file: DumpFile, blocks: readonly Block[], { description }: StreamEnd): string[] {
  if (!description || !ramBlocks(blocks, []).some(({ name }) => name.includes("/"))) return [];
  return deviceNames(file, description.from, description.to);
}

/** No page of RAM is in the stream, be it that the file is cut, or that the guest's memory was not sent. */
function nothingSent(file: DumpFile, { configuration, listAt }: Walked, cut: CutShort | undefined): PagekinError {
  if (cut) return file.fault(cut.offset, `the file ends before ${cut.what}`);
  const isShared = configuration.capabilities.has("x-ignore-shared");
  const hint = isShared ? "take the dump again without the capability x-ignore-shared" : undefined;
  return file.fault(listAt, "the stream has no pages of the guest's RAM", hint);
}

/** Extents of the pages of RAM, block after block. */
class PlannedPages {
  readonly extents = new ExtentList();
  /** Bytes that the extents have. */
  bytes = 0;
  /** Blocks of which only what is plugged in was added. */
  readonly asPlugged = new Set<Block>();
  private place: Pick<PlacedBlock, "layout" | "offset"> = { layout: { base: 0, lowBytes: 0, known: false }, offset: 0 };
  /** Zeros that the next page may make longer. */
  private zerosFrom = 0;
  private zeroBytes = 0;
  /** Bytes that fill a page each, in the order of their pages behind the file. */
  private readonly fills: number[] = [];
  private readonly offsetOfFill = new Float64Array(256);

  constructor(
    private readonly file: DumpFile,
    private readonly walked: Walked,
    private readonly pageBytes: number,
  ) {}

  async addBlock({ block, ...place }: PlacedBlock): Promise<void> {
    this.place = place;
    if (block.mapped) await addMappedPages(this.file, block.mapped, block.bytes, this.runsOf(block));
    else await block.latest.each((page, place, packed) => this.addPage(page, place, packed), breathe);
    this.endZeros();
  }

  /** Takes the runs of a mapped block; of a virtio-mem device's, those of memory that is plugged in. */
  private runsOf(block: Block): (run: MappedRun) => void {
    const { name, bytes } = block;
    const add = (run: MappedRun) => this.addRun(run);
    const path = pathsIn(name).find((at) => this.walked.plugged.has(at));
    const section = path === undefined ? undefined : this.walked.plugged.get(path);
    const plugged = section && pluggedIn(this.file, section, bytes);
    if (plugged) this.asPlugged.add(block);
    return plugged ? (run) => addPlugged(plugged, run, add) : add;
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
    const address = addressOf(this.place.layout, this.place.offset + page * pageBytes);
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
    const { layout } = this.place;
    const first = this.place.offset + from;
    const low = Math.min(bytes, Math.max(0, layout.lowBytes - first));
    for (const [skipped, length] of [
      [0, low],
      [low, bytes - low],
    ]) {
      const address = addressOf(layout, first + skipped);
      if (offset === undefined) this.extents.addZero(address, length);
      else this.extents.addStored(address, length, offset + skipped);
    }
  }

  private checkRoom(): void {
    if (this.extents.count >= MOST_EXTENTS)
      throw this.file.fault(
        this.walked.listAt,
        `RAM lies in more than ${MOST_EXTENTS} pieces`,
        "take the dump in another format",
      );
  }
}
