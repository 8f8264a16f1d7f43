// A dump of a known format without a reader is refused by its name, never taken for raw.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "../support/folder.js";
import { randomBytes } from "../support/random.js";
import { expectRefused, expectSourcesRefused } from "../support/refused.js";

/** What the message must say, the signature, and where it stands. Texts are ASCII, with \xHH for other bytes. */
const SIGNATURES: [says: string, signature: string, offset?: number][] = [
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
  // The little-endian word 0x01282014.
  ["Hyper-V", "\x14\x20\x28\x01"],
  ["VirtualBox", "\x7fVirtualBox SavedState V2.0\n"],
  // Two little-endian words, 0x54564319 and 0x56084025 (criu/include/magic.h): a pagemap; then the core of a process.
  ["CRIU", "\x19CVT%@\x08V"],
  ["CRIU", "\x19CVT\x36\x27\x09\x55"],
  ["swap", "SWAPSPACE2", 4086],
  ["swap", "S1SUSPEND", 4086],
  ["ZIP", "PK\x03\x04"],
  ["7z", "7z\xbc\xaf\x27\x1c"],
  ["qcow2", "QFI\xfb"],
];

test.for(SIGNATURES)("%s: %j", async ([says, signature, offset = 0], { folder }) => {
  const bytes = randomBytes(16384, 7);
  // What stands before a signature that is not at the start is no other one's.
  if (offset > 0) bytes.fill(0, 0, offset);
  bytes.write(signature, offset, "latin1");
  writeFileSync(path.join(folder, "dump.raw"), bytes);
  await expectSourcesRefused(folder, ["dump.raw"], ["dump.raw", says, "does not read"]);
  // Compressed, and through a pipe.
  await expectRefused(folder, ["fingerprint", "vm=-"], ["standard input", says], { input: gzipSync(bytes) });
});
