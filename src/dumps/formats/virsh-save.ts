// What `virsh save` and managed save write: a header, the domain's XML, and QEMU's migration stream behind it, maybe packed.

import type { Packing } from "../../unpack/compression.js";
import type { DumpFile } from "../dump-file.js";
import type { Container, Wrapped } from "./format.js";

const SAVED = "LibvirtQemudSave";
const UNFINISHED = "LibvirtQemudPart";
const MAGIC_BYTES = SAVED.length;
const HEADER_BYTES = 92;
const VERSIONS = [1, 2];
/** Words of the header, each of 32 bits in the byte order of the host that wrote them. */
const WORD = { version: 16, dataBytes: 20, wasRunning: 24, compression: 28 };

/** By the header's number; the last is "sparse": not packed, but with its pages at fixed places (mapped-ram). */
const COMPRESSIONS: readonly (Packing | "none")[] = ["none", "gzip", "bzip2", "xz", "lzop", "zstd", "none"];

export const virshSave: Container = {
  name: "virsh-save",
  probe: (head) => [SAVED, UNFINISHED].includes(magicOf(head)),
  unwrap,
};

/** Where the header says that the stream is. */
async function unwrap(file: DumpFile): Promise<Wrapped> {
  const head = file.read(0, Math.min(HEADER_BYTES, file.bytes), "the header");
  const fault = (offset: number, what: string) => file.fault(offset, what, "save the domain again");
  if (magicOf(head) === UNFINISHED) throw fault(0, "this virsh save file was never finished");
  if (magicOf(head) !== SAVED) throw fault(0, "not a virsh save file");
  if (head.length < HEADER_BYTES) throw fault(head.length, "the file ends before the end of the header");
  const word = wordsOf(head);
  const version = word(WORD.version);
  if (!VERSIONS.includes(version)) throw fault(WORD.version, `the virsh save file has version ${version}, not 1 or 2`);
  const compression = COMPRESSIONS[word(WORD.compression)];
  if (compression === undefined) throw fault(WORD.compression, `unknown compression ${word(WORD.compression)}`);
  const offset = HEADER_BYTES + word(WORD.dataBytes);
  if (offset >= file.bytes) throw fault(WORD.dataBytes, `the file ends before its stream, at 0x${offset.toString(16)}`);
  return {
    offset,
    packing: compression === "none" ? undefined : compression,
    format: "qemu-migration",
    details: {
      stream_offset: offset,
      stream_compression: compression,
      was_running: word(WORD.wasRunning) !== 0,
    },
  };
}

const magicOf = (head: Buffer) => head.toString("latin1", 0, MAGIC_BYTES);

/** Reads words of a header in its byte order, in which the version is a small number. */
function wordsOf(head: Buffer): (offset: number) => number {
  const little =
    VERSIONS.includes(head.readUInt32LE(WORD.version)) || !VERSIONS.includes(head.readUInt32BE(WORD.version));
  return (offset) => (little ? head.readUInt32LE(offset) : head.readUInt32BE(offset));
}
