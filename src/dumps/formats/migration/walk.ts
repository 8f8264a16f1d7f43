// From the start of a stream to the end of RAM. A section that is not RAM's ends at its footer. Where its data contain what
// looks like one, the walk fails further on; then later footers are tried until a walk reaches the end of RAM.

import { PagekinError } from "../../../errors.js";
import type { Block } from "./blocks.js";
import type { Configuration } from "./configuration.js";
import { FooterSearch } from "./footers.js";
import { layoutOf } from "./layout.js";
import type { PluggedSection } from "./plugged.js";
import { ELSE, type Mark, type OtherSection, SectionWalker } from "./sections.js";
import { CutShort, type MigrationStream } from "./stream.js";

/** Bytes that may be searched and walked in trying footers: a multiple of the file's length, more for a small file. */
const LEAST_EFFORT = 64 * 1024 * 1024;
const EFFORT_FACTOR = 16;
const MOST_CHOICES = 2 ** 20;

export interface Walked {
  configuration: Configuration;
  /** By name, with what was sent of each. */
  blocks: ReadonlyMap<string, Block>;
  /** Where their list is. */
  listAt: number;
  /** Where RAM is over, behind a footer if sections have some. */
  end: number;
  /** Whether sections have footers; those of old machines do not. */
  footers: boolean;
  /** Sections that say what virtio-mem devices have plugged in, by the devices' paths. */
  plugged: ReadonlyMap<string, PluggedSection>;
  /** Where and before what the file ends, if it does so before that. */
  cut: CutShort | undefined;
}

/** A processor's smallest page size need not be in the stream: 4 KiB of most, 1 KiB of 32-bit Arm, 8 KiB of sparc64 and alpha. */
const USUAL_PAGE_BYTES = 4096;
const OTHER_PAGE_BYTES = [1024, 8192, 16384];

export async function walkSections(stream: MigrationStream): Promise<Walked> {
  const start = stream.offset;
  const footers = new FooterSearch(stream.file);
  const first = await walk(stream, { start, footers, usualPageBytes: USUAL_PAGE_BYTES });
  // A stream that is over without the end of RAM may be a background snapshot, or a footer was the wrong one.
  if (first.walker.hasEnd) return resultOf(first);
  const { machine, saysPageBytes } = first.walker.configuration;
  // All machines whose layout is known have pages of 4 KiB, or say so.
  if (first.failed instanceof PagekinError && !saysPageBytes && !layoutOf(machine, 0).known) {
    for (const usualPageBytes of OTHER_PAGE_BYTES) {
      const other = await walk(stream, { start, footers, usualPageBytes });
      if (other.walker.hasEnd) return resultOf(other);
    }
  }
  if (first.walker.others === 0) return resultOf(first);
  const survey = new Survey(stream, footers);
  const ends = await survey.run(start);
  if (ends) return resultOf(await walk(stream, { start, footers, usualPageBytes: USUAL_PAGE_BYTES, ends }));
  if (survey.gaveUp && !(first.failed instanceof PagekinError))
    throw stream.fault(start, "too much in this stream looks like the end of a section", ELSE);
  return resultOf(first);
}

interface Walk {
  walker: SectionWalker;
  /** Where it stopped. */
  end: number;
  /** Why it did not reach the end of RAM. */
  failed: unknown;
}

interface WalkFrom {
  start: number;
  footers: FooterSearch;
  usualPageBytes: number;
  /** Where sections end, by where their data begin; others end at their first footer. */
  ends?: ReadonlyMap<number, number>;
}

async function walk(stream: MigrationStream, { start, footers, usualPageBytes, ends }: WalkFrom): Promise<Walk> {
  const walker: SectionWalker = new SectionWalker(stream, {
    endOf: (section) => ends?.get(section.from) ?? firstEnd(walker, footers, section),
    keepsPages: true,
    usualPageBytes,
  });
  stream.goTo(start);
  let failed: unknown;
  try {
    walker.readHead();
    while (!(await walker.step()));
  } catch (error) {
    if (!isOfFile(error)) throw error;
    failed = error;
  }
  return { walker, end: stream.offset, failed };
}

async function firstEnd(walker: SectionWalker, footers: FooterSearch, section: OtherSection): Promise<number> {
  const end = await footers.find(section, section.from, (bytes, offset) => walker.canFollow(bytes, offset));
  if (end !== undefined) return end;
  if (walker.ram) throw new CutShort(walker.stream.file.bytes, `the end of section ${section.name}`);
  throw walker.withoutEnd(section, "no footer of it has another section behind it");
}

function resultOf({ walker, end, failed }: Walk): Walked {
  if (failed !== undefined && !(failed instanceof CutShort)) throw failed;
  const { configuration, ram, footers, plugged } = walker;
  const { blocks = new Map(), listAt = end } = ram ?? {};
  return { configuration, blocks, listAt, end, footers, plugged, cut: failed };
}

const isOfFile = (error: unknown) => error instanceof CutShort || error instanceof PagekinError;

interface Choice {
  section: OtherSection;
  mark: Mark;
  /** Where the section is taken to be over. */
  end: number;
}

/** Tries the footers of sections that are not RAM's, in order, until a walk reaches the end of RAM. */
class Survey {
  /** Whether there were more combinations of footers than could be tried. */
  gaveUp = false;
  private readonly choices: Choice[] = [];
  private readonly walker: SectionWalker;
  private effort: number;

  constructor(
    private readonly stream: MigrationStream,
    private readonly footers: FooterSearch,
  ) {
    this.walker = new SectionWalker(stream, {
      endOf: (section) => this.choose(section),
      keepsPages: false,
      usualPageBytes: USUAL_PAGE_BYTES,
    });
    this.effort = LEAST_EFFORT + EFFORT_FACTOR * stream.file.bytes + footers.searched;
  }

  /** Where sections end, by where their data begin; undefined: no walk reaches the end of RAM. */
  async run(start: number): Promise<Map<number, number> | undefined> {
    const { stream, walker, choices } = this;
    stream.goTo(start);
    walker.readHead();
    while (this.effort > this.footers.searched && choices.length < MOST_CHOICES) {
      const from = stream.offset;
      try {
        const isOver = await walker.step();
        if (walker.hasEnd) return new Map(choices.map(({ section, end }) => [section.from, end]));
        if (isOver && !(await this.chooseAgain())) return undefined;
      } catch (error) {
        if (!isOfFile(error)) throw error;
        if (!(await this.chooseAgain())) return undefined;
      }
      this.effort -= Math.max(0, stream.offset - from);
    }
    this.gaveUp = true;
    return undefined;
  }

  private async choose(section: OtherSection): Promise<number> {
    const end = await this.next(section, section.from);
    if (end === undefined) throw new CutShort(section.from, `the end of section ${section.name}`);
    this.choices.push({ section, mark: this.walker.mark(), end });
    return end;
  }

  /** Takes the next footer for the last choice that has one. */
  private async chooseAgain(): Promise<boolean> {
    for (let choice = this.choices.pop(); choice; choice = this.choices.pop()) {
      const { section, mark, end: last } = choice;
      this.walker.restore(mark, last);
      const end = await this.next(section, last - 4);
      if (end === undefined) continue;
      this.stream.goTo(end);
      this.choices.push({ section, mark, end });
      return true;
    }
    return false;
  }

  private next(section: OtherSection, from: number): Promise<number | undefined> {
    return this.footers.find(section, from, (bytes, offset) => this.walker.canFollow(bytes, offset));
  }
}
