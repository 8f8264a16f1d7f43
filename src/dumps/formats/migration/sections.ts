// The sections of a migration stream, to the end of the one that has RAM. The devices' sections behind it have no lengths.

import type { Block } from "./blocks.js";
import { type Configuration, DEFAULT_CONFIGURATION, readConfiguration } from "./configuration.js";
import { Room } from "./latest.js";
import { RamReader } from "./records.js";
import { CutShort, type MigrationStream } from "./stream.js";

const MAGIC = "QEVM";
const STREAM_VERSION = 3;
const RAM_VERSION = 4;

const SECTION = {
  streamEnd: 0x00,
  start: 0x01,
  part: 0x02,
  end: 0x03,
  full: 0x04,
  description: 0x06,
  configuration: 0x07,
  command: 0x08,
  footer: 0x7e,
} as const;

const POSTCOPY_ADVISE = 3;
/** Commands after which pages come in another way, or out of order. */
const REFUSED_COMMANDS: Record<number, string> = {
  4: "postcopy",
  5: "postcopy",
  6: "postcopy",
  7: "postcopy",
  8: "postcopy",
  9: "postcopy",
  10: "COLO",
};

/** Tables of pages may take so much, and so much for each byte of the file; a page takes 8 bytes, its record 9 or more. */
const LEAST_ROOM = 64 * 1024 * 1024;
const ROOM_FACTOR = 8;

export interface Walked {
  configuration: Configuration;
  /** By name, with what was sent of each. */
  blocks: ReadonlyMap<string, Block>;
  /** Where their list is. */
  listAt: number;
  /** Where the RAM section's end is over, with its footer. */
  end: number;
  /** Whether sections have footers; those of old machines do not. */
  footers: boolean;
  /** Where and before what the file ends, if it does so before that. */
  cut: CutShort | undefined;
}

export async function walkSections(stream: MigrationStream): Promise<Walked> {
  const walker = new SectionWalker(stream);
  let cut: CutShort | undefined;
  try {
    await walker.walk();
  } catch (error) {
    if (!(error instanceof CutShort)) throw error;
    cut = error;
  }
  const { configuration, ram, footers } = walker;
  const { blocks = new Map(), listAt = stream.offset } = ram ?? {};
  return { configuration, blocks, listAt, end: stream.offset, footers, cut };
}

class SectionWalker {
  configuration: Configuration = DEFAULT_CONFIGURATION;
  ram: RamReader | undefined;
  footers = false;
  private ramId = -1;
  private postcopyAdvised = false;

  constructor(private readonly stream: MigrationStream) {}

  async walk(): Promise<void> {
    this.readHead();
    for (let first = true; !(await this.readSection(first)); ) first = false;
  }

  private readHead(): void {
    const at = this.stream.offset;
    if (this.stream.text(MAGIC.length, "the signature of a migration stream") !== MAGIC)
      throw this.stream.fault(at, "no migration stream begins here");
    const version = this.stream.u32("the version of the stream");
    if (version !== STREAM_VERSION) throw this.stream.fault(at + 4, `the stream has version ${version}, not 3`);
  }

  /** Reads a section; true: RAM is complete. */
  private async readSection(first: boolean): Promise<boolean> {
    const at = this.stream.offset;
    const type = this.stream.u8("the end of the RAM section");
    switch (type) {
      case SECTION.configuration:
        if (!first) throw this.stream.fault(at, "the configuration does not come first");
        this.configuration = readConfiguration(this.stream);
        return false;
      case SECTION.command:
        this.readCommand(at);
        return false;
      case SECTION.start:
      case SECTION.full:
        await this.begin(at, type);
        return false;
      case SECTION.part:
      case SECTION.end:
        await this.goOn(at);
        return type === SECTION.end;
      case SECTION.streamEnd:
      case SECTION.description:
        throw this.stream.fault(at, "the stream ends without the end of its RAM section");
      default:
        throw this.stream.fault(at, `no section is of type 0x${type.toString(16)}`);
    }
  }

  private readCommand(at: number): void {
    const command = this.stream.u16("a command");
    const bytes = this.stream.u16("the length of a command");
    const refused = REFUSED_COMMANDS[command];
    if (refused)
      throw this.stream.fault(at, `the stream goes over to ${refused}`, `take the dump again without ${refused}`);
    if (command === POSTCOPY_ADVISE) this.postcopyAdvised = true;
    this.stream.skip(bytes, "the bytes of a command");
  }

  /** The first section of a device or of RAM, which has its name. */
  private async begin(at: number, type: number): Promise<void> {
    const id = this.stream.u32("the number of a section");
    const name = this.stream.name("the name of a section");
    this.stream.u32("the instance of a section");
    const version = this.stream.u32("the version of a section");
    if (name !== "ram" || type !== SECTION.start) throw this.otherSection(at, name);
    if (this.ram) throw this.stream.fault(at, "the RAM section begins twice");
    if (version !== RAM_VERSION) throw this.stream.fault(at, `the RAM section has version ${version}, not 4`);
    this.ramId = id;
    const { file } = this.stream;
    this.ram = new RamReader(this.stream, {
      configuration: this.configuration,
      postcopyAdvised: this.postcopyAdvised,
      room: new Room(LEAST_ROOM + ROOM_FACTOR * file.bytes, (offset) =>
        file.fault(offset, "the pages are strewn over more addresses than a file of this size can mean"),
      ),
    });
    await this.ram.readSection();
    this.readFooter();
  }

  /** What a section of another name has inside cannot be told, nor where it ends. */
  private otherSection(at: number, name: string) {
    const what = `section ${name} comes before the end of RAM, and its length cannot be known`;
    return this.stream.fault(at, what, "take the dump again without that device or capability");
  }

  private async goOn(at: number): Promise<void> {
    const id = this.stream.u32("the number of a section");
    if (!this.ram || id !== this.ramId) throw this.stream.fault(at, `a section has the unknown number ${id}`);
    await this.ram.readSection();
    this.readFooter();
  }

  /** A section of today ends with its own number. If the first has a footer, all must. */
  private readFooter(): void {
    const at = this.stream.offset;
    if (this.stream.peek() !== SECTION.footer) {
      if (!this.footers) return;
      this.stream.u8("a section's footer");
      throw this.stream.fault(at, "a section has no footer");
    }
    this.stream.u8("a section's footer");
    const id = this.stream.u32("a section's footer");
    if (id !== this.ramId) throw this.stream.fault(at, `a section's footer has number ${id}, not ${this.ramId}`);
    this.footers = true;
  }
}
