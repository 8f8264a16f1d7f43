// Second fields of files of other programs: memory may well have the signature alone, where it is short or stands deep in the
// file. A field beyond the end of what is looked at is NaN, which fits nothing.

/** part: the head or the end of the file; at: where in it the signature is; fileBytes: Infinity where it is not known. */
export type Check = (part: Buffer, at: number, fileBytes: number) => boolean;

const le16 = (part: Buffer, at: number) => (at + 2 <= part.length ? part.readUInt16LE(at) : Number.NaN);
const be16 = (part: Buffer, at: number) => (at + 2 <= part.length ? part.readUInt16BE(at) : Number.NaN);
const le32 = (part: Buffer, at: number) => (at + 4 <= part.length ? part.readUInt32LE(at) : Number.NaN);
const be32 = (part: Buffer, at: number) => (at + 4 <= part.length ? part.readUInt32BE(at) : Number.NaN);
const le64 = (part: Buffer, at: number) => (at + 8 <= part.length ? Number(part.readBigUInt64LE(at)) : Number.NaN);
const text = (part: Buffer, from: number, to: number) => part.toString("latin1", from, to);

const isPowerOfTwo = (number: number) => number > 0 && Number.isInteger(Math.log2(number));
const isWithin = (number: number, least: number, most: number) => number >= least && number <= most;
const isZero = (part: Buffer, from: number, to: number) =>
  part.length >= to && part.subarray(from, to).every((byte) => byte === 0);

const SECTOR_BYTES = 512;
/** The boot signature of a PC's sector. */
const isBootable = (head: Buffer) => be16(head, 510) === 0x55aa;

export const plausible = {
  // Crash dumps and states of systems.

  /** MINIDUMP_VERSION. */
  minidump: (head) => le16(head, 4) === 0xa793,

  /** The partition's header behind the signature: numbers that follow from each other (makedumpfile 1.7, sadump_mod.h). */
  sadump(head, at) {
    const [first, end] = [at + 168, at + 4096];
    if (head.length < end) return false;
    for (let word = first; word + 4 < end; word += 4)
      if (head.readUInt32LE(word + 4) !== ((head.readUInt32LE(word) + 7) * 11) % 2 ** 32) return false;
    return true;
  },

  /** The header is filled up with zeros before and behind the mark, its copy, and the time (s390-tools, df_s390.h). */
  s390Volume: (head, at) => isZero(head, 0x61, at) && isZero(head, at + 16, 0x800),

  /** The header of Linux's swap areas in either byte order: version 1, and the last page, which the file must have. */
  swap(head, at, fileBytes) {
    const pageBytes = at + 10;
    return [le32, be32].some((word) => {
      const last = word(head, 1028);
      return word(head, 1024) === 1 && last > 0 && last * pageBytes < fileBytes;
    });
  },

  /** The first version's: a map of the pages that can be used, the first of which cannot. */
  oldSwap: (head) => head[0] === 0xfe,

  /** How many architectures a universal file has; or the version of a Java class file. */
  universal: (head) => isWithin(be16(head, 6), 1, 99),

  /** PE's own signature; kernels of arm64 and RISC-V have it too where memory may begin with one. */
  program(head) {
    const at = le32(head, 60);
    return !["ARM\x64", "RSC\x05"].includes(text(head, 56, 60)) && text(head, at, at + 4) === "PE\0\0";
  },

  // Disks.

  /** The version. */
  qcow: (head) => isWithin(be32(head, 4), 1, 3),
  vmdk: (head) => isWithin(le32(head, 4), 1, 3),

  /** Version 1.0, and the checksum of the footer: the complement of the sum of its other bytes. */
  vhd(part, at) {
    const footer = part.subarray(at, at + SECTOR_BYTES);
    const sum = footer.reduce((sum, byte, i) => sum + (isWithin(i, 64, 67) ? 0 : byte), 0);
    return be32(footer, 12) === 0x10000 && be32(footer, 64) === ~sum >>> 0;
  },

  /** The version. */
  vdi: (head) => isWithin(le32(head, 68), 1, 0x1ffff),

  /** The text of each program that makes VDI files ends so. */
  vdiText: (head) => /^<<< [\x20-\x7e]{1,50} Disk Image >>>/.test(text(head, 0, 64)),

  /** The size of its clusters. */
  qed: (head) => isPowerOfTwo(le32(head, 4)),

  /** The version and length of the trailer. */
  koly: (end, at) => be32(end, at + 4) === 4 && be32(end, at + 8) === SECTOR_BYTES,

  /** The header's revision 1.0, its length, where it stands, and the last sector that can be used, which the file must have. */
  gpt: (head, at, fileBytes) =>
    le32(head, at + 8) === 0x10000 &&
    isWithin(le32(head, at + 12), 92, SECTOR_BYTES) &&
    le64(head, at + 24) === 1 &&
    le64(head, at + 48) * SECTOR_BYTES < fileBytes,

  /** Four partitions, at least one in use, each with a flag that is 0 or 0x80; those in use end in the file. */
  mbr(head, _at, fileBytes) {
    const entries = [446, 462, 478, 494].map((at) => head.subarray(at, at + 16));
    const used = entries.filter((entry) => entry[4] !== 0 && entry.readUInt32LE(12) > 0);
    const ends = (entry: Buffer) => (entry.readUInt32LE(8) + entry.readUInt32LE(12)) * SECTOR_BYTES <= fileBytes;
    // What protects a GPT may have the greatest length that there is.
    const protects = (entry: Buffer) => entry[4] === 0xee && entry.readUInt32LE(12) === 0xffffffff;
    return (
      used.length > 0 &&
      entries.every((entry) => (entry[0] & 0x7f) === 0) &&
      used.every((entry) => protects(entry) || ends(entry))
    );
  },

  // File systems and volumes.

  bootSector: isBootable,

  /** Its superblock: inodes and blocks, which the file must have, a block size of 1 to 64 KiB, a revision that there is. */
  ext(head, _at, fileBytes) {
    const word = (at: number) => le32(head, 1024 + at);
    const is64bit = (word(96) & 0x80) !== 0;
    const blocks = word(4) + (is64bit ? word(336) * 2 ** 32 : 0);
    return word(0) > 0 && blocks > 0 && word(24) <= 6 && word(76) <= 1 && blocks * 2 ** (10 + word(24)) <= fileBytes;
  },

  /** A block size. */
  xfs: (head) => isPowerOfTwo(be32(head, 4)) && be32(head, 4) <= 65536,

  /** The place of the first superblock, the size of a sector, and that of this device, which the file must have. */
  btrfs: (head, at, fileBytes) =>
    le64(head, at - 16) === 0x10000 &&
    isPowerOfTwo(le32(head, at + 80)) &&
    isWithin(le64(head, at + 145), 1, fileBytes),

  /** The number of the label's sector, and its type. */
  lvm: (head, at) => le64(head, at + 8) === at / SECTOR_BYTES && text(head, at + 24, at + 32) === "LVM2 001",

  /** A major version from 1 to 4, in the byte order of the signature. */
  squashfs: (head) => isWithin(head[0] === 0x68 ? le16(head, 28) : be16(head, 28), 1, 4),

  /** A block of 512 bytes to 64 KiB, and the number of blocks, which the file must have. */
  erofs: (head, at, fileBytes) =>
    isWithin(head[at + 12], 9, 16) && isWithin(le32(head, at + 36) * 2 ** head[at + 12], 1, fileBytes),

  /** The type of a volume descriptor, and its version. */
  iso: (head, at) => [0, 1, 2, 3, 255].includes(head[at - 1]) && head[at + 5] === 1,

  // Archives and compression.

  /** The version that is needed, and a method. */
  zip: (head) => head[4] < 100 && le16(head, 8) < 100,

  /** An archive without files, or that begins with the mark of parts. */
  emptyZip: (head) => le32(head, 4) === 0,
  splitZip: (head) => text(head, 4, 8) === "PK\x03\x04",

  /** AFF4 is a ZIP file whose first member tells its name. */
  aff4: (head) => head.subarray(0, 4096).includes("aff4://"),

  /** The forms of POSIX and SVR4. */
  cpio: (head) => /^07070[127][0-9a-fA-F]{20}/.test(text(head, 0, 26)),

  /** The header's length and version. */
  xar: (head) => isWithin(be16(head, 4), 28, 256) && be16(head, 6) === 1,

  /** The version of the lead, and its type: binary or source. */
  rpm: (head) => isWithin(head[4], 3, 4) && be16(head, 6) <= 1,

  /** The version. */
  lrzip: (head) => head[4] === 0,

  /** The header of LZMA_Alone as xz accepts it: properties, a dictionary of 2^n or 2^n + 2^(n-1), a length; data begin with 0. */
  lzma(head) {
    const [properties] = head;
    const [lc, lp, pb] = [properties % 9, Math.floor(properties / 9) % 5, Math.floor(properties / 45)];
    const [dictionary, bytes] = [le32(head, 1), le64(head, 5)];
    return (
      // Words of 64 bits with small values would otherwise be such a header.
      properties > 0 &&
      lc + lp <= 4 &&
      pb <= 4 &&
      dictionary >= 4096 &&
      (dictionary === 2 ** 32 - 1 || isPowerOfTwo(dictionary) || isPowerOfTwo((dictionary / 3) * 2)) &&
      (bytes === 2 ** 64 || isWithin(bytes, 1, 2 ** 38)) &&
      head[13] === 0
    );
  },

  /** Codes of 9 to 16 bits, and no unknown flag. */
  compress: (head) => (head[2] & 0x60) === 0 && isWithin(head[2] & 0x1f, 9, 16),

  // Records of other programs.

  /** The version of its storage. */
  duckdb: (head) => isWithin(le64(head, 12), 1, 999),

  /** The major version, in the byte order of the signature. */
  pcap: (head) => (head[0] === 0xa1 ? be16(head, 4) : le16(head, 4)) === 2,

  /** Its byte order. */
  pcapng: (head) => [le32(head, 8), be32(head, 8)].includes(0x1a2b3c4d),
} as const satisfies Record<string, Check>;
