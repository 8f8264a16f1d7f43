// The description of all devices, in JSON, with which a stream ends.

import type { DumpFile } from "../../dump-file.js";

const DESCRIPTION = 0x06;
const HEAD_BYTES = 5;
const BRACE = { open: 0x7b, close: 0x7d };
/** It has some tens or hundreds of KiB. */
const MOST_DESCRIPTION_BYTES = 2 ** 24 - 1;

/** Where the description that begins at an offset is over, be it behind the file's end; undefined: none begins there. */
export function endOfDescription(file: DumpFile, offset: number): number | undefined {
  const held = Math.min(HEAD_BYTES + 1, file.bytes - offset);
  const head = file.read(offset, Math.max(0, held), "the description of the devices");
  if (head[0] !== DESCRIPTION) return undefined;
  if (head.length <= HEAD_BYTES) return offset + HEAD_BYTES + 1;
  const bytes = head.readUInt32BE(1);
  if (bytes < 2 || bytes > MOST_DESCRIPTION_BYTES || head[HEAD_BYTES] !== BRACE.open) return undefined;
  const end = offset + HEAD_BYTES + bytes;
  if (end <= file.bytes && file.read(end - 1, 1, "the description of the devices")[0] !== BRACE.close) return undefined;
  return end;
}

/** The names of all devices, "PATH/NAME" where they have a path; none if the description cannot be read. */
export function deviceNames(file: DumpFile, offset: number, end: number): string[] {
  const from = offset + HEAD_BYTES;
  try {
    const { devices } = JSON.parse(file.read(from, end - from, "the description of the devices").toString("latin1"));
    return devices.map(({ name }: { name: unknown }) => String(name));
  } catch {
    return [];
  }
}
