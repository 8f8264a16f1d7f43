// The sections of a migration stream, one at a time, up to the end of RAM. Only RAM's own are parsed; any other section says
// nothing of its length, and ends with its footer.

import { quoted } from "../../../errors.js";
import { isCommand, readCommand } from "./commands.js";
import { type Configuration, DEFAULT_CONFIGURATION, readConfiguration } from "./configuration.js";
import { endOfDescription } from "./description.js";
import { Room } from "./latest.js";
import { type PluggedSection, pathOfPlugged } from "./plugged.js";
import { RamReader } from "./records.js";
import { SectionIds } from "./section-ids.js";
import { CutShort, type MigrationStream } from "./stream.js";

const MAGIC = "QEVM";
const STREAM_VERSION = 3;
const RAM = "ram";
const RAM_VERSION = 4;

export const SECTION = {
  streamEnd: 0x00,
  start: 0x01,
  part: 0x02,
  end: 0x03,
  full: 0x04,
  configuration: 0x07,
  command: 0x08,
  footer: 0x7e,
} as const;

/** A footer has its type and its section's number. */
export const FOOTER_BYTES = 5;

/** No machine has so many devices. */
const MOST_SECTIONS = 65536;
/** QEMU counts the versions of a device's section from 1. */
const MOST_VERSION = 0xffff;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** How much behind a stream's end is checked to be padding. */
const MOST_PADDING = 4096;

/** Tables of pages may take so much, and so much for each byte of the file; a page takes 8 bytes, its record 9 or more. */
const LEAST_ROOM = 64 * 1024 * 1024;
const ROOM_FACTOR = 8;

/** What to do where a stream's sections cannot be told apart. */
export const ELSE = "take the dump with dump-guest-memory instead";

/** A section that is not RAM's. */
export interface OtherSection {
  name: string;
  id: number;
  /** Where its header is, and where its data begin. */
  at: number;
  from: number;
}

/** What a section's header depends on: what came before it. */
export interface Mark {
  /** How many changes there were to the numbers of sections. */
  changes: number;
  ram: RamReader | undefined;
  current: RamReader["current"];
  footers: boolean;
  postcopyAdvised: boolean;
}

export interface WalkSettings {
  /** What holds if the stream does not give the page size. */
  usualPageBytes: number;
  /** Where a section that is not RAM's ends, behind its footer. */
  endOf(section: OtherSection): number | Promise<number>;
  keepsPages: boolean;
}

export class SectionWalker {
  configuration: Configuration;
  ram: RamReader | undefined;
  /** Whether sections are known to have footers; those of machine types before 2.4 have none. */
  footers = false;
  /** Whether RAM had an end of its own; that of a background snapshot has none. */
  hasEnd = false;
  /** How many sections other than RAM's there were. */
  others = 0;
  /** Sections that say what virtio-mem devices have plugged in, by the devices' paths. */
  readonly plugged = new Map<string, PluggedSection>();
  private readonly ids = new SectionIds();
  private postcopyAdvised = false;
  private isFirst = true;

  constructor(
    readonly stream: MigrationStream,
    private readonly settings: WalkSettings,
  ) {
    this.configuration = { ...DEFAULT_CONFIGURATION, pageBytes: settings.usualPageBytes };
  }

  mark(): Mark {
    const { ram, footers, postcopyAdvised } = this;
    return { changes: this.ids.length, ram, current: ram?.current, footers, postcopyAdvised };
  }

  /** Goes back to where a mark was made, but on at another offset. */
  restore({ changes, current, ...mark }: Mark, offset: number): void {
    Object.assign(this, mark);
    this.ids.undo(changes);
    if (this.ram) this.ram.current = current;
    this.stream.goTo(offset);
  }

  readHead(): void {
    const at = this.stream.offset;
    if (this.stream.text(MAGIC.length, "the signature of a migration stream") !== MAGIC)
      throw this.stream.fault(at, "not a migration stream");
    const version = this.stream.u32("the version of the stream");
    if (version !== STREAM_VERSION) throw this.stream.fault(at + 4, `the stream has version ${version}, not 3`);
  }

  /** Reads a section; true: RAM is complete. */
  async step(): Promise<boolean> {
    const at = this.stream.offset;
    const type = this.stream.u8("the end of the RAM section");
    const isFirst = this.isFirst;
    this.isFirst = false;
    switch (type) {
      case SECTION.configuration:
        if (!isFirst) throw this.stream.fault(at, "the configuration does not come first");
        this.configuration = readConfiguration(this.stream, this.configuration);
        return false;
      case SECTION.command:
        if (readCommand(this.stream, at)) this.postcopyAdvised = true;
        return false;
      case SECTION.start:
      case SECTION.full:
        await this.begin(at, type);
        return false;
      case SECTION.part:
      case SECTION.end:
        return this.goOn(at, type);
      case SECTION.streamEnd:
        this.endWithoutEnd(at);
        return true;
      default:
        throw this.stream.fault(at, `unknown section type 0x${type.toString(16)}`);
    }
  }

  /** Whether what begins at an offset, in bytes that are as many as the file has or enough, can follow a section. */
  canFollow(bytes: Buffer, offset: number): boolean {
    switch (bytes[0]) {
      case SECTION.start:
      case SECTION.full:
        return this.canBegin(bytes);
      case SECTION.part:
      case SECTION.end:
        return bytes.length < 5 || this.ids.nameOfLive(bytes.readUInt32BE(1)) !== undefined;
      case SECTION.command:
        return isCommand(bytes);
      case SECTION.streamEnd:
        return this.isStreamEnd(offset + 1);
      default:
        // The file may be cut right behind a footer.
        return bytes.length === 0;
    }
  }

  private canBegin(bytes: Buffer): boolean {
    if (bytes.length < 6) return true;
    const nameEnd = 6 + bytes[5];
    const name = bytes.toString("latin1", 6, nameEnd);
    if (this.ids.has(bytes.readUInt32BE(1)) || !PRINTABLE.test(name)) return false;
    if (bytes.length < nameEnd + 8) return true;
    const version = bytes.readUInt32BE(nameEnd + 4);
    if (name === RAM) return bytes[0] === SECTION.start && version === RAM_VERSION && !this.ram;
    return version <= MOST_VERSION;
  }

  /** Whether the stream can be over at an offset: all of RAM's pages must have come before, and nothing comes behind. */
  private isStreamEnd(offset: number): boolean {
    const { file } = this.stream;
    if (!this.footers || !this.ram?.blocks.size) return false;
    const end = offset === file.bytes ? offset : endOfDescription(file, offset);
    if (end === undefined) return false;
    const behind = file.read(
      Math.min(end, file.bytes),
      Math.max(0, Math.min(MOST_PADDING, file.bytes - end)),
      "the end",
    );
    return behind.every((byte) => byte === 0);
  }

  /** In a background snapshot the devices' sections follow the last part of RAM, and then the stream is over. */
  private endWithoutEnd(at: number): void {
    const { file } = this.stream;
    if (!this.isStreamEnd(at + 1)) throw this.stream.fault(at, "the stream ends without the end of its RAM section");
    const end = at + 1 === file.bytes ? file.bytes : (endOfDescription(file, at + 1) as number);
    if (end > file.bytes) throw new CutShort(file.bytes, "the end of the stream, behind its RAM");
    this.stream.goTo(at);
  }

  /** The first section of a device or of RAM, which has its name. */
  private async begin(at: number, type: number): Promise<void> {
    const id = this.stream.u32("the number of a section");
    const name = this.stream.name("the name of a section");
    this.stream.u32("the instance of a section");
    const version = this.stream.u32("the version of a section");
    if (name === RAM && this.ram) throw this.stream.fault(at, "the RAM section begins twice");
    if (this.ids.has(id)) throw this.stream.fault(at, `two sections have the number ${id}`);
    if (this.ids.length >= MOST_SECTIONS) throw this.stream.fault(at, `there are more than ${MOST_SECTIONS} sections`);
    this.ids.set(id, name, type === SECTION.start);
    if (name !== RAM || type !== SECTION.start) return this.stepOver(at, id, name);
    if (version !== RAM_VERSION) throw this.stream.fault(at, `the RAM section has version ${version}, not 4`);
    const { file } = this.stream;
    const settings = {
      configuration: this.configuration,
      postcopyAdvised: this.postcopyAdvised,
      room: new Room(LEAST_ROOM + ROOM_FACTOR * file.bytes, (offset) =>
        file.fault(offset, "the pages are strewn over more addresses than a file of this size can mean"),
      ),
    };
    this.ram = new RamReader(this.stream, settings, this.settings.keepsPages);
    await this.ram.readSection();
    this.readFooter(id);
  }

  /** A further part, or the end, of a section that has begun; true: the end of RAM. */
  private async goOn(at: number, type: number): Promise<boolean> {
    const id = this.stream.u32("the number of a section");
    const name = this.ids.nameOfLive(id);
    if (name === undefined) throw this.stream.fault(at, `a section has the unknown number ${id}`);
    if (type === SECTION.end) this.ids.set(id, name, false);
    if (name !== RAM || !this.ram) {
      await this.stepOver(at, id, name);
      return false;
    }
    await this.ram.readSection();
    this.readFooter(id);
    this.hasEnd = type === SECTION.end;
    return this.hasEnd;
  }

  /** Goes on behind a section of which only the footer is known. */
  private async stepOver(at: number, id: number, name: string): Promise<void> {
    if (this.ram && !this.footers) throw this.withoutEnd({ at, name }, "the sections of this stream have no footers");
    this.others++;
    this.footers = true;
    const from = this.stream.offset;
    const end = await this.settings.endOf({ name, id, at, from });
    const path = pathOfPlugged(name);
    if (path !== undefined) this.plugged.set(path, { from, to: end - FOOTER_BYTES });
    this.stream.goTo(end);
  }

  /** There is no telling where a section ends. */
  withoutEnd({ at, name }: Pick<OtherSection, "at" | "name">, why: string) {
    const what = `section ${quoted(name)} comes before the end of RAM, and where it ends cannot be told: ${why}`;
    return this.stream.fault(at, what, ELSE);
  }

  /** A section of today ends with its own number. If the first has a footer, all must. */
  private readFooter(id: number): void {
    const at = this.stream.offset;
    if (this.stream.peek() !== SECTION.footer) {
      if (!this.footers) return;
      this.stream.u8("a section's footer");
      throw this.stream.fault(at, "a section has no footer");
    }
    this.stream.u8("a section's footer");
    const footer = this.stream.u32("a section's footer");
    if (footer !== id) throw this.stream.fault(at, `a section's footer has number ${footer}, not ${id}`);
    this.footers = true;
  }
}
