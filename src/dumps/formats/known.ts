// Files of other programs that are known and not read, so that they are never taken for raw. Signatures are those of the
// programs' own sources or specifications, or of file(1)'s magic; offsets below 0 count from the end of the file.

import { PagekinError } from "../../errors.js";
import { isText, plausible } from "./known-checks.js";
import { AS_RAW, HINT, type Hint } from "./known-hints.js";

/** Bytes of a file's head that detection looks at: up to the signatures of btrfs and of swap areas with pages of 64 KiB. */
export const HEAD_BYTES = 68 * 1024;
/** Bytes of a file's end that detection looks at. */
export const END_BYTES = 512;

interface Signature {
  name: string;
  bytes: Buffer;
  offsets: readonly number[];
  /** What else must be true of the head where the signature is short. */
  check: ((head: Buffer) => boolean) | undefined;
  hint: Hint;
}

type Row = readonly [
  name: string,
  bytes: string,
  offsets?: number | readonly number[],
  check?: (head: Buffer) => boolean,
];

const of = (hint: Hint, ...rows: readonly Row[]): Signature[] =>
  rows.map(([name, bytes, offsets = 0, check]) => ({
    name,
    bytes: Buffer.from(bytes, "latin1"),
    offsets: typeof offsets === "number" ? [offsets] : offsets,
    check,
    hint,
  }));

/** Linux marks swap areas at the end of their first page, whatever its size. */
const END_OF_PAGE = [4096, 8192, 16384, 32768, 65536].map((page) => page - 10);
/** A backup of sadump has a header of one block before the partition's. */
const SADUMP_BLOCKS = [0, 4096, 8192, 16384, 32768, 65536];

const SIGNATURES: readonly Signature[] = [
  // Crash dumps and states of systems.
  ...of(HINT.windowsCrash, ["Windows crash dump", "PAGEDUMP"], ["Windows crash dump", "PAGEDU64"]),
  ...of(HINT.zdmp, ["compressed Windows crash dump of DumpIt (ZDMP)", "ZDMP"]),
  ...of(HINT.minidump, ["Windows minidump", "MDMP"]),
  ...of(
    HINT.hibernation,
    ...["hibr", "HIBR", "wake", "WAKE", "RSTR", "rstr"].map((bytes): Row => ["Windows hibernation file", bytes]),
  ),
  ...of(HINT.rawHeader, ["Windows offline dump", "Raw_Dmp!"]),
  ...of(HINT.sadump, ["sadump crash dump", "sadump\0\0", SADUMP_BLOCKS]),
  ...of(
    HINT.lkcd,
    ["LKCD crash dump", "\xed\x23\x8f\x61\x73\x01\x19\xa8"],
    ["LKCD crash dump", "\xa8\x19\x01\x73\x61\x8f\x23\xed"],
    ["LKCD crash dump of a live system", "\xcd\x23\x8f\x61\x73\x01\x19\xa8"],
    ["LKCD crash dump of a live system", "\xa8\x19\x01\x73\x61\x8f\x23\xcd"],
  ),
  ...of(
    HINT.s390,
    ["s390 stand-alone dump", "\xa8\x19\x01\x73\x61\x8f\x23\xfd"],
    ["s390 stand-alone dump", "\xa8\x19\x01\x73\x61\x8f\x23\xfe"],
    // The mark of each volume, which is there before the dump is.
    ["s390 multi-volume dump", "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 0x200],
    ["s390 multi-volume dump", "\xa8\x19\x01\x73\x61\x8f\x23\xfe", 0x200],
  ),
  ...of(HINT.freebsdMini, ["FreeBSD minidump", "minidump FreeBSD/"]),
  ...of(
    HINT.freebsd,
    ["FreeBSD kernel dump", "FreeBSD Kernel Dump"],
    ["FreeBSD kernel dump", "Cleared Kernel Dump"],
    ["FreeBSD text dump", "FreeBSD Text Dump"],
  ),
  ...of(HINT.solaris, ["Solaris crash dump", "\xed\xc8\xfe\xde"], ["Solaris crash dump", "\xde\xfe\xc8\xed"]),
  ...of(
    HINT.swap,
    ["Linux hibernation image", "S1SUSPEND", END_OF_PAGE],
    ["Linux hibernation image", "S2SUSPEND", END_OF_PAGE],
    ["Linux hibernation image", "ULSUSPEND", END_OF_PAGE],
    ["Linux hibernation image", "LINHIB0001", END_OF_PAGE],
    ["Linux swap area", "SWAPSPACE2", END_OF_PAGE],
    ["Linux swap area", "SWAP-SPACE", END_OF_PAGE],
  ),
  ...of(
    HINT.macho,
    ["Mach-O file", "\xfe\xed\xfa\xce"],
    ["Mach-O file", "\xce\xfa\xed\xfe"],
    ["Mach-O file", "\xfe\xed\xfa\xcf"],
    ["Mach-O file", "\xcf\xfa\xed\xfe"],
    ["Mach-O or Java class file", "\xca\xfe\xba\xbe"],
    ["Mach-O file", "\xca\xfe\xba\xbf"],
  ),
  ...of(HINT.criu, ["CRIU image", "\x19\x43\x56\x54"]),
  ...of(HINT.program, ["program (PE)", "MZ", 0, plausible.program], ["Java heap dump", "JAVA PROFILE 1.0."]),

  // States of virtual machines.
  ...of(
    HINT.xen,
    ["Xen saved domain", "Xen saved domain"],
    ["Xen saved domain of XAPI", "XenSavedDom"],
    ["Xen saved domain of xend", "LinuxGuestRecord"],
    ["Xen migration stream (libxl)", "LibxlFmt"],
    ["Xen migration stream (libxc)", "\xff\xff\xff\xff\xff\xff\xff\xffXENF"],
  ),
  ...of(
    HINT.vmware,
    ["VMware state file", "\xd0\xbe\xd2\xbe"],
    ["VMware state file", "\xd1\xba\xd1\xba"],
    ["VMware state file", "\xd2\xbe\xd2\xbe"],
    ["VMware state file", "\xd3\xbe\xd3\xbe"],
  ),
  ...of(HINT.resume, ["Hyper-V state file", "\x14\x20\x28\x01"]),
  ...of(HINT.virtualBox, ["VirtualBox saved state", "\x7fVirtualBox SavedState "]),
  // A little-endian word whose lowest 16 bits are the version; in newer files behind a byte.
  ...of(
    HINT.firecracker,
    ["Firecracker state file", "\x64\x86\x84\x19\x10\x07", [2, 3]],
    ["Firecracker state file", "\xaa\xaa\x84\x19\x10\x07", [2, 3]],
  ),

  // Forensic images, which may hold memory.
  ...of(
    HINT.ewf,
    ["EWF image (E01)", "EVF\x09\r\n\xff\0"],
    ["EWF image (Ex01)", "EVF2\r\n\x81\0"],
    ["EWF logical image (L01)", "LVF\x09\r\n\xff\0"],
    ["EWF logical image (Lx01)", "LEF2\r\n\x81\0"],
    ["EWF delta file (d01)", "dvf\x09\r\n\xff\0"],
  ),
  ...of(HINT.aff, ["AFF image", "AFF10"]),
  ...of(HINT.aff4, ["AFF4 image", "PK\x03\x04", 0, plausible.aff4]),
  ...of(HINT.hpak, ["HPAK memory image", "HPAK"]),

  // Disks and file systems.
  ...of(HINT.qcow2, ["qcow2 disk image", "QFI\xfb"]),
  ...of(
    HINT.disk,
    ["VMDK disk image", "KDMV"],
    ["VMDK disk image", "COWD"],
    ["VMDK disk image", "\xbe\xba\xfe\xca\0\0\0\0"],
    ["VMDK disk image (descriptor)", "# Disk DescriptorFile"],
    ["VHD disk image", "conectix"],
    ["VHD disk image", "conectix", [-512, -511]],
    ["VHDX disk image", "vhdxfile"],
    ["VDI disk image", "\x7f\x10\xda\xbe", 64],
    ["VDI disk image", "<<< ", 0, plausible.vdi],
    ["QED disk image", "QED\0"],
    ["Parallels disk image", "WithoutFreeSpace"],
    ["Parallels disk image", "WithouFreSpacExt"],
    ["Bochs disk image", "Bochs Virtual HD Image"],
    ["Apple disk image", "koly", -512],
    ["LUKS volume", "LUKS\xba\xbe"],
    ["LUKS volume", "SKUL\xba\xbe"],
    ["disk image (GPT)", "EFI PART", 512],
    ["disk image (MBR)", "\x55\xaa", 510, plausible.mbr],
    ["NTFS file system", "NTFS    ", 3],
    ["FAT file system", "FAT32   ", 82],
    ["ext file system", "\x53\xef", 1080, plausible.ext],
    ["XFS file system", "XFSB"],
    ["btrfs file system", "_BHRfS_M", 0x10040],
    ["LVM volume", "LABELONE", [0, 512, 1024, 1536]],
    ["squashfs image", "hsqs"],
    ["squashfs image", "sqsh"],
    ["EROFS image", "\xe2\xe1\xf5\xe0", 1024],
    ["ISO 9660 image", "CD001", 0x8001],
  ),

  // Archives, and compression that has no decoder here.
  ...of(
    HINT.archive,
    ["ZIP archive", "PK\x03\x04"],
    ["ZIP archive", "PK\x05\x06"],
    ["ZIP archive", "PK\x07\x08"],
    ["7z archive", "7z\xbc\xaf\x27\x1c"],
    ["RAR archive", "Rar!\x1a\x07"],
    ["cpio archive", "07070", 0, plausible.cpio],
    ["ar archive", "!<arch>\n"],
    ["xar archive", "xar!"],
    ["RPM package", "\xed\xab\xee\xdb"],
    ["cabinet archive", "MSCF\0\0\0\0"],
    ["WIM archive", "MSWIM\0\0\0"],
  ),
  ...of(
    HINT.packed,
    ["lzma stream", "", 0, plausible.lzma],
    ["compress stream (.Z)", "\x1f\x9d", 0, plausible.compress],
    ["lzip stream", "LZIP\x01"],
    ["lrzip stream", "LRZI"],
    ["framed snappy stream", "\xff\x06\0\0sNaPpY"],
  ),
  ...of(
    HINT.encrypted,
    ["file encrypted with openssl", "Salted__"],
    ["file encrypted with age", "age-encryption.org/v1\n"],
  ),

  // Results and records of other programs.
  ...of(
    HINT.other,
    ["SQLite database", "SQLite format 3\0"],
    ["DuckDB database", "DUCK", 8],
    ["Arrow file", "ARROW1\0\0"],
    ["perf record", "PERFILE2"],
    ["packet capture", "\xd4\xc3\xb2\xa1"],
    ["packet capture", "\xa1\xb2\xc3\xd4"],
    ["packet capture", "\x0a\x0d\x0d\x0a"],
    ["PDF document", "%PDF-"],
    ["PNG image", "\x89PNG\r\n\x1a\n"],
  ),
];

/** Refuses a file whose head has the signature of something that is not read. file: how errors call it. */
export function refuseForeign(head: Buffer, file: string): void {
  refuse(
    SIGNATURES.find((signature) => signature.offsets.some((at) => at >= 0 && isAt(signature, head, at))),
    file,
  );
}

/** The same by the end of the file: its last bytes, END_BYTES of them or all. */
export function refuseForeignEnd(end: Buffer, file: string): void {
  const at = (offset: number) => end.length + offset;
  refuse(
    SIGNATURES.find((signature) => signature.offsets.some((offset) => offset < 0 && isAt(signature, end, at(offset)))),
    file,
  );
}

/** Refuses a file that is text as far as its head shows. */
export function refuseText(head: Buffer, file: string): void {
  if (isText(head)) refuse({ name: "text", hint: HINT.text }, file);
}

function isAt({ bytes, check }: Signature, part: Buffer, at: number): boolean {
  const isThere =
    at >= 0 && at + bytes.length <= part.length && part.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
  return isThere && (check === undefined || check(part));
}

function refuse(found: Pick<Signature, "name" | "hint"> | undefined, file: string): void {
  if (!found) return;
  const hint = `${found.hint} ${AS_RAW}`;
  throw new PagekinError(`${found.name}: pagekin does not read this format`, { file, hint });
}
