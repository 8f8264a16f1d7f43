// LiME and AVML files: range after range, each behind its header. Converted images have headers of both kinds, so one walk
// reads both.

import { breathe } from "../../system/pace.js";
import { formatHex } from "../../text/format.js";
import type { DumpFile } from "../dump-file.js";
import { ExtentList } from "../extents.js";
import { Peek } from "../peek.js";
import type { DumpPlan, PlanSettings } from "./format.js";
import { checkPieces } from "./piece-limit.js";
import { HEADER_BYTES, isHeaderAt, type RangeHeader, readHeader } from "./range-header.js";
import { planFrames } from "./snappy-frames.js";

/** AVML cuts ranges into blocks of at most so many bytes. */
const MOST_BLOCK_BYTES = 16 * 1024 * 1024;
const STEPS_A_BREATH = 1024;
/** Of what stands where a header should. */
const SHOWN_BYTES = 16;
const ZERO_BLOCKS = "leaves out whole blocks of zeros: they are absent, and zero pages are too few.";

const nameOf = ({ address, bytes }: RangeHeader) => `${formatHex(address)}-${formatHex(address + bytes - 1)}`;

/** Plans a file that begins with a header of either kind. */
export async function planRanges(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
  const walk = new RangeWalk(file, settings);
  let offset: number | undefined = 0;
  for (let steps = 1; offset !== undefined; steps++) {
    if (steps % STEPS_A_BREATH === 0) await breathe();
    offset = await walk.step(offset);
  }
  return walk.plan();
}

class RangeWalk {
  private readonly peek: Peek;
  private readonly extents = new ExtentList();
  private readonly notes: string[] = [];
  private readonly ranges = { lime: 0, avml: 0 };
  private bareHeaders = 0;
  private endsBare = false;
  /** Where the first LiME range begins whose bytes begin with a header. */
  private headerInside: number | undefined;
  private isCut = false;
  private paddingBytes = 0;
  private longestBytes = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = 0;

  constructor(
    private readonly file: DumpFile,
    private readonly settings: PlanSettings,
  ) {
    this.peek = new Peek(file);
  }

  /** Takes the range whose header is at an offset; gives the next one's offset, or undefined behind the last. */
  async step(offset: number): Promise<number | undefined> {
    const header = readHeader(this.file, this.peek, offset);
    if (typeof header === "string") {
      if (await this.isPadding(offset)) return undefined;
      return header === "cut" ? this.cut(offset, "the end of a range's header") : this.noHeader(offset);
    }
    this.ranges[header.kind]++;
    this.lowest = Math.min(this.lowest, header.address);
    this.highest = Math.max(this.highest, header.address + header.bytes);
    this.longestBytes = Math.max(this.longestBytes, header.bytes);
    const body = offset + HEADER_BYTES;
    const end = header.kind === "lime" ? this.takeStored(header, body) : await this.takeFrames(header, body);
    checkPieces(this.file, this.extents, end ?? offset);
    return end === this.file.bytes ? undefined : end;
  }

  plan(): DumpPlan {
    const { extents, notes, lowest, highest } = this;
    this.noteTraits();
    const plan: DumpPlan = {
      addressSpace: "physical",
      extents,
      wins: "first",
      // Both programs take what the kernel's table calls RAM, so there are no devices to leave out.
      notes,
      details: {
        ranges: this.ranges.lime + this.ranges.avml,
        compressed_ranges: this.ranges.avml - this.bareHeaders,
        bare_headers: this.bareHeaders,
      },
    };
    if (this.paddingBytes > 0)
      plan.fileNotes = [`${this.paddingBytes} zero bytes follow the last range; they are no part of the dump.`];
    if (this.isCut && lowest < highest) plan.span = [{ address: lowest, bytes: highest - lowest }];
    return plan;
  }

  private takeStored(header: RangeHeader, body: number): number | undefined {
    if (this.headerInside === undefined && isHeaderAt(this.peek, body)) this.headerInside = body;
    const there = Math.min(header.bytes, this.file.bytes - body);
    this.extents.addStored(header.address, there, body);
    if (there === header.bytes) return body + there;
    return this.cut(body, `the end of the range ${nameOf(header)}`, header.bytes - there);
  }

  private async takeFrames(header: RangeHeader, body: number): Promise<number | undefined> {
    if (body === this.file.bytes || isHeaderAt(this.peek, body)) return this.takeBare(header, body);
    const target = { address: header.address, bytes: header.bytes, extents: this.extents };
    const { offset, decoded, cut } = await planFrames(this.file, this.peek, body, target);
    return cut === undefined ? offset : this.cut(offset, `${cut} (${nameOf(header)})`, header.bytes - decoded);
  }

  /** AVML 0.17.0 wrote the header of a block of zeros, and no body. */
  private takeBare(header: RangeHeader, body: number): number {
    if (header.bytes > MOST_BLOCK_BYTES)
      throw this.file.fault(body, `the range ${nameOf(header)} has no bytes, and is more than a block of zeros`);
    this.bareHeaders++;
    this.endsBare = body === this.file.bytes;
    this.extents.addZero(header.address, header.bytes);
    return body;
  }

  /** The file ends too early: an error unless that is allowed. */
  private cut(offset: number, what: string, missing = 0): undefined {
    if (!this.settings.allowTruncated) throw this.file.cut(offset, what);
    this.isCut = true;
    const lost = missing > 0 ? `${missing} bytes of that range and what came behind it` : "what came behind it";
    this.notes.push(`The file ends before ${what}, which should stand from ${formatHex(offset)} on; missing: ${lost}.`);
  }

  /** Behind the last range there may be zeros, as on a volume. */
  private async isPadding(offset: number): Promise<boolean> {
    if (offset === 0 || (await this.file.endOfZeros(offset)) < this.file.bytes) return false;
    this.paddingBytes = this.file.bytes - offset;
    return true;
  }

  /** A range was written short, so that what follows stands where it should not. */
  private noHeader(offset: number): undefined {
    const inside = this.headerInside;
    const why =
      inside === undefined
        ? "the range before it may have been written short"
        : `AVML 0.17.0 may have left out bytes: those of the range at ${formatHex(inside)} begin with a header`;
    if (!this.settings.allowTruncated || this.ranges.lime + this.ranges.avml === 0)
      throw this.file.fault(offset, `neither a range's header nor zero padding, but ${this.found(offset)}; ${why}`);
    this.isCut = true;
    this.notes.push(
      `No header of a range stands at ${formatHex(offset)}, but ${this.found(offset)}: only what is before it was read; ${why}.`,
    );
  }

  private found(offset: number): string {
    return this.file.read(offset, Math.min(SHOWN_BYTES, this.file.bytes - offset), "a header").toString("hex");
  }

  /** A machine has a longer range, unless AVML has cut it (from 0.18 on, src/image.rs) or its blocks were converted to LiME. */
  private isInBlocks(): boolean {
    return this.longestBytes <= MOST_BLOCK_BYTES && this.highest >= MOST_BLOCK_BYTES;
  }

  private noteTraits(): void {
    if (this.ranges.avml > 0) this.notes.push(`AVML ${ZERO_BLOCKS}`);
    else if (this.isInBlocks())
      this.notes.push(`No range is longer than 16 MiB, as AVML 0.18 and later write them. AVML ${ZERO_BLOCKS}`);
    if (this.bareHeaders > 0) {
      const end = this.endsBare ? "; the file ends with one, as one cut there would" : "";
      this.notes.push(
        `Headers without bytes: ${this.bareHeaders}, as AVML 0.17.0 wrote blocks of zeros; they are read as zeros${end}.`,
      );
    }
    if (this.headerInside !== undefined)
      this.notes.push(
        `The bytes of the range at ${formatHex(this.headerInside)} begin with a header: AVML 0.17.0 may have left out its bytes.`,
      );
  }
}
