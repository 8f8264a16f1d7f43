/** Bytes of a file's head that detection looks at. */
export const HEAD_BYTES = 4096;

interface Signature {
  name: string;
  offset: number;
  bytes: string;
}

const latin = (name: string, bytes: string, offset = 0): Signature => ({ name, offset, bytes });
const hex = (name: string, bytes: string, offset = 0): Signature =>
  latin(name, Buffer.from(bytes, "hex").toString("latin1"), offset);

/** Signatures of dumps and containers that are known and have no reader yet, so that they are never taken for raw. */
const UNREAD: readonly Signature[] = [
  latin("Windows crash dump", "PAGEDUMP"),
  latin("Windows crash dump", "PAGEDU64"),
  latin("Windows hibernation file", "hibr"),
  latin("Windows hibernation file", "HIBR"),
  latin("Windows hibernation file", "wake"),
  latin("Windows hibernation file", "WAKE"),
  latin("Windows hibernation file", "RSTR"),
  latin("Windows hibernation file", "rstr"),
  latin("Windows minidump", "MDMP"),
  latin("Xen saved domain", "Xen saved domain"),
  hex("VMware state file", "d0bed2be"),
  hex("VMware state file", "d1bad1ba"),
  hex("VMware state file", "d2bed2be"),
  hex("VMware state file", "d3bed3be"),
  hex("Hyper-V state file", "14202801"),
  latin("VirtualBox saved state", "\x7fVirtualBox SavedState "),
  // The first word of all of CRIU's images but the pages themselves.
  hex("CRIU image", "19435654"),
  latin("Linux swap area", "SWAPSPACE2", 4086),
  // With a hibernated system in it.
  latin("Linux swap area", "S1SUSPEND", 4086),
  // What people put dumps in, or mistake for dumps.
  latin("ZIP archive", "PK\x03\x04"),
  latin("7z archive", "7z\xbc\xaf\x27\x1c"),
  latin("qcow2 image", "QFI\xfb"),
];

/** The name of a known format without a reader, if the head has its signature. */
export function unreadFormat(head: Buffer): string | undefined {
  return UNREAD.find(({ offset, bytes }) => head.toString("latin1", offset, offset + bytes.length) === bytes)?.name;
}
