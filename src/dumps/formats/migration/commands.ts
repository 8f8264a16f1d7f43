// Commands between the sections of a stream: most prepare what a file does not need, some mean that pages come otherwise.
// Source: QEMU 10.0, migration/savevm.c.

import type { MigrationStream } from "./stream.js";

const POSTCOPY_ADVISE = 3;
const LAST = 11;
/** Commands after which pages come in another way, or out of order. */
const REFUSED: Record<number, string> = {
  4: "postcopy",
  5: "postcopy",
  6: "postcopy",
  7: "postcopy",
  8: "COLO",
  9: "postcopy",
  10: "postcopy",
};
/** Bytes that a command may have behind it; those of a command that is not here can be many. */
const LENGTHS: Record<number, readonly number[]> = {
  1: [0],
  2: [4],
  3: [0, 16],
  4: [0],
  5: [0],
  7: [4],
  8: [0],
  9: [0],
  11: [0],
};

/** Steps over a command whose type was read at an offset; true: it announces that the stream may end as postcopy. */
export function readCommand(stream: MigrationStream, at: number): boolean {
  const command = stream.u16("a command");
  const bytes = stream.u16("the length of a command");
  const refused = REFUSED[command];
  if (refused) throw stream.fault(at, `the stream goes over to ${refused}`, `take the dump again without ${refused}`);
  stream.skip(bytes, "the bytes of a command");
  return command === POSTCOPY_ADVISE;
}

/** Whether bytes that begin with a command's type can be one. */
export function isCommand(bytes: Buffer): boolean {
  if (bytes.length < 5) return true;
  const command = bytes.readUInt16BE(1);
  const lengths = LENGTHS[command];
  return lengths ? lengths.includes(bytes.readUInt16BE(3)) : command > 0 && command < LAST;
}
