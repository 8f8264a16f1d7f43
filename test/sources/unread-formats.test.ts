// A dump of a known format without a reader is refused by its name, never taken for raw.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "../support/folder.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";

/** What the message must say, the signature, and where it stands. Texts are ASCII, with \xHH for other bytes. */
const SIGNATURES: [says: string, signature: string, offset?: number][] = [
  ["ELF", "\x7fELF\x02\x01\x01\x00"],
  ["ELF", "\x7fELF\x01\x02\x01\x00"],
  ["kdump", "KDUMP   "],
  ["kdump", "DISKDUMP"],
  ["flattened kdump", "makedumpfile\0\0\0\0"],
  ["LiME", "EMiL\x01\0\0\0"],
  ["AVML", "AVML\x02\0\0\0"],
  ["QEMU migration", "QEVM\0\0\0\x03"],
  ["virsh save", "LibvirtQemudSave"],
  ["virsh save", "LibvirtQemudPart"],
  ["Windows", "PAGEDUMP"],
  ["Windows", "PAGEDU64"],
  ["hibernation", "hibr"],
  ["hibernation", "HIBR"],
  ["hibernation", "wake"],
  ["hibernation", "WAKE"],
  ["hibernation", "RSTR"],
  ["minidump", "MDMP\x93\xa7"],
  ["Xen saved domain", "Xen saved domain, xl format\n"],
  ["VMware", "\xd0\xbe\xd2\xbe"],
  ["VMware", "\xd1\xba\xd1\xba"],
  ["VMware", "\xd2\xbe\xd2\xbe"],
  ["VMware", "\xd3\xbe\xd3\xbe"],
  // Two little-endian words, 0x54564319 and 0x56084025 (criu/include/magic.h).
  ["CRIU", "\x19CVT%@\x08V"],
  ["swap", "SWAPSPACE2", 4086],
  ["xz", "\xfd7zXZ\0"],
  ["lz4", "\x04\x22\x4d\x18"],
  ["lzop", "\x89LZO\0\r\n\x1a\n"],
  ["bzip2", "BZh9"],
];

test.for(SIGNATURES)("%s: %j", async ([says, signature, offset = 0], { folder }) => {
  const bytes = randomBytes(16384, 7);
  // What stands before a signature that is not at the start is no other one's.
  if (offset > 0) bytes.fill(0, 0, offset);
  bytes.write(signature, offset, "latin1");
  writeFileSync(path.join(folder, "dump.raw"), bytes);
  await expectRefused(folder, ["analyze", "dump.raw"], ["dump.raw", says, "does not read"]);
  // Compressed, and through a pipe.
  await expectRefused(folder, ["fingerprint", "vm=-"], ["standard input", says], { input: gzipSync(bytes) });
});
