// The configuration section, the first of a stream: which machine, which page size, which way of sending.

import { BASE_PAGE_BYTES } from "../../../core/hasher.js";
import { quoted } from "../../../errors.js";
import type { MigrationStream } from "./stream.js";

export interface Configuration {
  /** As "pc-q35-7.2"; old machines do not send it. */
  machine: string | undefined;
  pageBytes: number;
  /** Whether the stream says it: a processor's least page size need not be sent. */
  saysPageBytes: boolean;
  capabilities: ReadonlySet<string>;
}

export const DEFAULT_CONFIGURATION: Configuration = {
  machine: undefined,
  pageBytes: BASE_PAGE_BYTES,
  saysPageBytes: false,
  capabilities: new Set(),
};

const SUBSECTION = 0x05;

/** Longer lists and names than any QEMU writes are lies. */
const MOST_NAME_BYTES = 256;
const MOST_CAPABILITIES = 256;

const PAGE_BITS = { least: 10, most: 16 };
const UUID_BYTES = 16;

/** before: what holds as long as the stream does not say otherwise. */
export function readConfiguration(stream: MigrationStream, before: Configuration): Configuration {
  const at = stream.offset;
  const bytes = stream.u32("the length of the machine's name");
  if (bytes > MOST_NAME_BYTES) throw stream.fault(at, `a machine name of ${bytes} bytes is too long`);
  const machine = stream.text(bytes, "the machine's name");
  const configuration = { ...before, machine };
  while (stream.peek() === SUBSECTION) {
    stream.u8("a part of the configuration");
    Object.assign(configuration, readPart(stream));
  }
  return configuration;
}

function readPart(stream: MigrationStream): Partial<Configuration> {
  const at = stream.offset;
  const name = stream.name("the name of a part of the configuration");
  stream.u32("the version of a part of the configuration");
  if (name === "configuration/capabilities") return { capabilities: readCapabilities(stream) };
  if (name === "configuration/target-page-bits") return { pageBytes: readPageBytes(stream), saysPageBytes: true };
  // Without its length the end of an unknown part cannot be found.
  if (name !== "configuration/uuid") throw stream.fault(at, `the configuration has an unknown part: ${quoted(name)}`);
  stream.skip(UUID_BYTES, "the machine's UUID");
  return {};
}

function readCapabilities(stream: MigrationStream): Set<string> {
  const at = stream.offset;
  const count = stream.u32("the number of capabilities");
  if (count > MOST_CAPABILITIES) throw stream.fault(at, `${count} capabilities are too many`);
  const names = new Set<string>();
  for (let i = 0; i < count; i++) names.add(stream.name("the name of a capability"));
  return names;
}

function readPageBytes(stream: MigrationStream): number {
  const at = stream.offset;
  const bits = stream.u32("the page size");
  if (bits < PAGE_BITS.least || bits > PAGE_BITS.most) throw stream.fault(at, `invalid page size 2^${bits}`);
  return 2 ** bits;
}
