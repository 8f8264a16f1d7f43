// A file of a known format without a reader, or of text, is refused by its name, never taken for raw. What file(1) says of
// the same bytes, where it is installed, is an independent answer.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { analyze, PagekinError } from "pagekin";
import { describe, expect } from "vitest";
import { cases } from "../support/cases.js";
import { CONTAINERS, pack } from "../support/containers.js";
import { makeFolder, removeFolder, test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";
import { because, HAS_ZSTD, has, zstd } from "../support/tools.js";

/** As long as what detection looks at, and more. */
const FILE_BYTES = 128 * 1024;

interface Sample {
  /** What the message must say. */
  says: string;
  /** Texts are ASCII, with \xHH for other bytes. */
  signature: string;
  /** From the end, if below 0. */
  at?: number;
  /** What the hint must say. */
  hint: RegExp;
  /** What file(1) calls it, if it knows it by these bytes alone. */
  magic?: RegExp;
}

const group = (
  hint: RegExp,
  ...rows: [says: string, signature: string, magic?: RegExp | undefined, at?: number][]
): Sample[] =>
  rows.map(([says, signature, magic, at]) => ({ says, signature, hint, ...(magic && { magic }), ...(at && { at }) }));

const littleEndian = (word: bigint, bytes: number) =>
  Buffer.from(word.toString(16).padStart(2 * bytes, "0"), "hex")
    .reverse()
    .toString("latin1");
const bigEndian = (word: bigint, bytes: number) =>
  Buffer.from(word.toString(16).padStart(2 * bytes, "0"), "hex").toString("latin1");

const LKCD = 0xa8190173618f23edn;
const S390 = 0xa8190173618f23fdn;
const SOLARIS = 0xdefec8edn;
const FIRECRACKER = 0x0710198486640000n;
const FIRECRACKER_ARM = 0x07101984aaaa0000n;
const DISK = /it is a disk, not memory/;

const SAMPLES: Sample[] = [
  ...group(
    /layerwriter/,
    ["Windows crash dump", "PAGEDUMP", /32bit crash dump/],
    ["Windows crash dump", "PAGEDU64", /64bit crash dump/],
    ["ZDMP", "ZDMP\0\x01\0\0"],
  ),
  ...group(/z2dmp/, ["DumpIt", "ZDMP"]),
  ...group(/full dump/, ["minidump", "MDMP\x93\xa7", /Mini DuMP/]),
  ...group(
    /Hibr2Bin/,
    ...["hibr", "HIBR", "wake", "WAKE", "RSTR"].map((signature): [string, string] => ["hibernation", signature]),
  ),
  // A partition or the first disk of a set; a backup on other media begins with a header of its own.
  ...group(/makedumpfile/, ["sadump", "sadump\0\0"], ["sadump", "sadump\0\0", undefined, 4096]),
  ...group(
    /crash reads it/,
    ["LKCD", littleEndian(LKCD, 8)],
    ["LKCD", bigEndian(LKCD, 8)],
    ["LKCD", littleEndian(0xa8190173618f23cdn, 8)],
  ),
  ...group(
    /zgetdump/,
    ["s390", bigEndian(S390, 8)],
    ["s390", bigEndian(S390 + 1n, 8)],
    ["s390 multi-volume", bigEndian(S390, 8), undefined, 0x200],
  ),
  ...group(/debug\.minidump=0/, ["FreeBSD minidump", "minidump FreeBSD/amd64\0", /FreeBSD kernel minidump/]),
  ...group(/savecore/, ["FreeBSD kernel dump", "FreeBSD Kernel Dump\0"]),
  ...group(/hypervisor/, ["Solaris", littleEndian(SOLARIS, 4)], ["Solaris", bigEndian(SOLARIS, 4)]),
  ...group(
    /moved out of memory/,
    ["swap", "SWAPSPACE2", undefined, 4086],
    ["swap", "SWAPSPACE2", /swap file, 64k page size/, 65526],
    ["hibernation", "S1SUSPEND", undefined, 4086],
    ["hibernation", "ULSUSPEND", undefined, 4086],
  ),
  ...group(
    /ELF cores/,
    ["Mach-O", littleEndian(0xfeedfacfn, 4) + littleEndian(0x01000007n, 4), /Mach-O 64-bit/],
    ["Mach-O", littleEndian(0xfeedfacen, 4), /Mach-O/],
    ["Mach-O", bigEndian(0xfeedfacfn, 4)],
    ["Mach-O", bigEndian(0xfeedfacen, 4)],
    ["Mach-O", "\xca\xfe\xba\xbe\0\0\0\x02", /Mach-O universal/],
  ),
  // Two little-endian words, 0x54564319 and 0x56084025 (criu/include/magic.h): a pagemap; then the core of a process.
  ...group(/coredump/, ["CRIU", "\x19CVT%@\x08V", /CRIU/], ["CRIU", "\x19CVT\x36\x27\x09\x55", /CRIU/]),
  ...group(
    /xl dump-core/,
    ["Xen saved domain", "Xen saved domain, xl format\n"],
    ["Xen saved domain", "XenSavedDomain\n"],
    ["Xen saved domain", "XenSavedDomv2-\n"],
    ["Xen saved domain", "LinuxGuestRecord", /Xen saved domain/],
    ["libxl", "LibxlFmt\0\0\0\x02"],
    ["libxc", "\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\x03"],
  ),
  ...group(
    /\.vmem/,
    ["VMware state", "\xd0\xbe\xd2\xbe"],
    ["VMware state", "\xd1\xba\xd1\xba"],
    ["VMware state", "\xd2\xbe\xd2\xbe"],
    ["VMware state", "\xd3\xbe\xd3\xbe"],
  ),
  // The little-endian word 0x01282014.
  ...group(/resume the VM/, ["Hyper-V", "\x14\x20\x28\x01"]),
  ...group(/dumpvmcore/, ["VirtualBox saved state", "\x7fVirtualBox SavedState V2.0\n"]),
  // As bincode writes the word, with a version in its lowest 16 bits in the oldest files; as bitcode does.
  ...group(
    /memory file of the snapshot/,
    ["Firecracker", littleEndian(FIRECRACKER, 8)],
    ["Firecracker", littleEndian(FIRECRACKER + 1n, 8)],
    ["Firecracker", `\0${littleEndian(FIRECRACKER, 8)}`],
    ["Firecracker", littleEndian(FIRECRACKER_ARM, 8)],
  ),
  ...group(
    /ewfexport/,
    ["EWF", "EVF\x09\x0d\x0a\xff\0\x01", /EWF/],
    ["EWF", "EVF2\x0d\x0a\x81\0"],
    ["EWF", "LVF\x09\x0d\x0a\xff\0"],
  ),
  ...group(/affcat/, ["AFF image", "AFF10\r\n\0"]),
  ...group(/AFF4 tool/, [
    "AFF4",
    "PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x15\0\0\0container.descriptionaff4://1234",
  ]),
  ...group(/hpakextract/, ["HPAK", "HPAK"]),
  ...group(/-loadvm/, ["qcow2", "QFI\xfb\0\0\0\x03", /QCOW/]),
  ...group(
    DISK,
    ["VMDK", "KDMV\x01\0\0\0", /VMware4 disk/],
    ["VMDK", "COWD", /VMWare3/],
    ["VMDK", littleEndian(0xcafebaben, 8)],
    ["VMDK", "# Disk DescriptorFile\nversion=1\n"],
    ["VHD", "conectix", /Virtual PC/],
    ["VHD", "conectix", undefined, -512],
    ["VHDX", "vhdxfileQ\0E\0M\0U\0"],
    ["VDI", "<<< Oracle VM VirtualBox Disk Image >>>\n"],
    ["VDI", "<<< QEMU VM Virtual Disk Image >>>\n"],
    ["VDI", littleEndian(0xbeda107fn, 4), /VirtualBox Disk Image/, 64],
    ["QED", "QED\0", /QED/],
    ["Parallels", "WithoutFreeSpace"],
    ["Parallels", "WithouFreSpacExt"],
    ["LUKS", "LUKS\xba\xbe\0\x01", /LUKS/],
    ["Apple disk image", "koly", undefined, -512],
    ["GPT", "EFI PART", undefined, 512],
    // One partition, that can be started.
    ["MBR", `\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\x10\0\0${"\0".repeat(48)}\x55\xaa`, undefined, 446],
    ["NTFS", "\xeb\x52\x90NTFS    "],
    ["XFS", "XFSB", /XFS/],
    ["btrfs", "_BHRfS_M", /BTRFS/, 0x10040],
    ["LVM", "LABELONE", undefined, 512],
    ["squashfs", "hsqs", /Squashfs/],
    ["squashfs", "sqsh", /Squashfs/],
    ["ISO 9660", "CD001", /ISO 9660/, 0x8001],
  ),
  ...group(
    /extract the dump/,
    ["ZIP", "PK\x03\x04", /Zip/],
    ["7z", "7z\xbc\xaf\x27\x1c", /7-zip/],
    ["RAR", "Rar!\x1a\x07\0", /RAR/],
    ["RAR", "Rar!\x1a\x07\x01\0", /RAR archive data, v5/],
    ["cpio", `070701${"0".repeat(104)}`, /cpio/],
    ["ar archive", "!<arch>\n", /ar archive/],
  ),
  ...group(
    /decompress it/,
    // xz --format=lzma: lc 3, lp 0, pb 2, a dictionary of 8 MiB, of unknown length; then of a known one.
    ["lzma", "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", /LZMA/],
    ["lzma", "\x5d\0\0\x80\0\0\0\0\x04\0\0\0\0\0", /LZMA/],
    ["compress", "\x1f\x9d\x90", /compress'd data 16 bits/],
    ["lzip", "LZIP\x01", /lzip/],
    ["snappy", "\xff\x06\0\0sNaPpY", /snappy/],
  ),
  ...group(/memory dump or a trace/, ["SQLite", "SQLite format 3\0", /SQLite/], ["PDF", "%PDF-1.7\n", /PDF/]),
];

/** Random bytes with the signature; what stands before one that is not at the start is no other one's. */
function fileOf({ signature, at = 0 }: Pick<Sample, "signature" | "at">): Buffer {
  const bytes = randomBytes(FILE_BYTES, 7);
  const offset = at < 0 ? FILE_BYTES + at : at;
  if (at > 0) bytes.fill(0, 0, offset);
  bytes.write(signature, offset, "latin1");
  return bytes;
}

/** The line of the error that a dump is refused with. */
async function refusal(folder: string, bytes: Uint8Array, name = "dump.raw"): Promise<string> {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  const error = await analyze([file], { pageSizes: [4096], workers: 1 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof PagekinError) return error.line;
  throw error ?? new Error(`${name} was read`);
}

/** What memory may begin with, and what is taken for no header of others for it. */
const MEMORY: [what: string, write: (memory: Buffer) => void][] = [
  ["two bytes of a table, whose sum is 0 with signs", (memory) => memory.fill(0x80, 0, 2)],
  ["words as of an lzma header", (memory) => memory.writeBigUInt64LE(0x10000000n) && memory.writeBigUInt64LE(5n, 8)],
];

test.for(MEMORY)("memory with %s is read", async ([, write], { folder }) => {
  const memory = randomBytes(FILE_BYTES, 8);
  memory.fill(0, 0, 4096);
  memory.fill(0, FILE_BYTES - 512);
  write(memory);
  writeFileSync(path.join(folder, "vm.raw"), memory);
  const [world] = await analyze([path.join(folder, "vm.raw")], { pageSizes: [1024], workers: 1 });
  expect(world.found[0]).toMatchObject({ format: "raw", pages: [FILE_BYTES / 1024] });
});

describe("--format raw", () => {
  test("reads memory that begins as a compressed file as it is, and says so; packed too", async ({ folder }) => {
    // A whole header, and a type of block that there is not; stored bytes whose length does not fit.
    for (const [packing, head] of [
      ["gzip", "\x1f\x8b\x08\0\0\0\0\0\0\x03\xff"],
      ["gzip", "\x1f\x8b\x08\0\0\0\0\0\0\x03\0"],
      ["gzip", "\x1f\x8b\x01\x10"],
      ["bzip2", "BZhip"],
      ["bzip2", "BZh91AY&SX"],
    ]) {
      const memory = Buffer.alloc(FILE_BYTES);
      memory.write(head, "latin1");
      writeFileSync(path.join(folder, "vm.raw"), memory);
      writeFileSync(path.join(folder, "vm.raw.gz"), gzipSync(memory));
      await expectRefused(
        folder,
        ["analyze", "vm.raw"],
        ["vm.raw: at 0x", new RegExp(`the ${packing} stream is damaged`)],
      );
      for (const [name, compression] of [
        ["vm.raw", "none"],
        ["vm.raw.gz", "gzip"],
      ]) {
        const said = JSON.parse(await succeed(["inspect", name, "--format", "raw", "--json"], { cwd: folder }));
        expect(said).toMatchObject({ format: "raw", compression, pages: FILE_BYTES / 4096 });
        expect(said.notes).toContain(`It begins like a ${packing} file, and is read as it is, without decompression.`);
      }
      const args = ["analyze", "vm.raw", "gz=vm.raw.gz", "--format", "raw", "--page-size", "4k", "--json"];
      const { worlds } = JSON.parse(await succeed([...args, "--out", "out", "--force"], { cwd: folder }));
      expect(worlds[0].sizes[0].members.map(({ pages }: { pages: number }) => pages)).toEqual([32, 32]);
    }
  });

  test("does not read a damaged gzip file as memory", async ({ folder }) => {
    const text = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`).join(""));
    const packed = gzipSync(text);
    const args = ["analyze", "vm.raw.gz", "--format", "raw"];
    for (const at of [600, 5000, packed.length >> 1, packed.length - 6]) {
      const damaged = Buffer.from(packed);
      damaged.fill(0xff, at, at + 4);
      writeFileSync(path.join(folder, "vm.raw.gz"), damaged);
      await expectRefused(folder, args, ["vm.raw.gz: at 0x", /the gzip stream is damaged/]);
    }
    // A small one, with a wrong checksum.
    const small = gzipSync(Buffer.alloc(8192));
    small[small.length - 8] ^= 1;
    writeFileSync(path.join(folder, "vm.raw.gz"), small);
    await expectRefused(folder, args, ["vm.raw.gz: at 0x", /checksum is wrong/]);
  });
});

test("memory whose first words have the sum of a tar header is read", async ({ folder }) => {
  // Page tables, in which few entries are used: places in the first 512 bytes, and words for them.
  const entries = fc.array(fc.tuple(fc.nat(63), fc.bigInt(0n, 2n ** 64n - 1n)), { minLength: 1, maxLength: 20 });
  const field = fc.constantFrom("none", "octal", "name, octal", "all but a name");
  await fc.assert(
    fc.asyncProperty(entries, field, async (words, what) => {
      const memory = randomBytes(8192, 9);
      memory.fill(0, 0, 4096);
      for (const [at, word] of words) memory.writeBigUInt64LE(word, at * 8);
      if (what.startsWith("name")) memory.write("name", "latin1");
      // The checksum's bytes count as spaces; where there is none, what stands there is 0.
      memory.fill(0, 148, 156);
      const signed = () =>
        memory.subarray(0, 512).reduce((sum, byte) => sum + (byte < 128 ? byte : byte - 256), 8 * 32);
      if (what === "none") {
        for (let at = 200; at < 512 && signed() !== 0; at++) {
          memory[at] = 0;
          memory.writeInt8(Math.max(-128, Math.min(127, -signed())), at);
        }
      } else {
        // A mode is always there, and so is a name.
        memory.fill(0, 100, 148);
        if (what === "all but a name") {
          memory.write("0000644\0", 100);
          memory.write("00000000000\0", 124);
          memory[0] = 0x67;
          memory[1] = 1;
        }
        const sum = memory.subarray(0, 512).reduce((sum, byte) => sum + byte, 8 * 32);
        memory.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      }
      writeFileSync(path.join(folder, "vm.raw"), memory);
      const [world] = await analyze([path.join(folder, "vm.raw")], { pageSizes: [4096], workers: 1 });
      expect(world.found[0]).toMatchObject({ format: "raw", pages: [2] });
    }),
    { numRuns: cases(60) },
  );
});

test.for(SAMPLES)("$says: $signature", async ({ says, hint, ...sample }, { folder }) => {
  const bytes = fileOf(sample);
  for (const line of [await refusal(folder, bytes), await refusal(folder, gzipSync(bytes, { level: 1 }))]) {
    expect(line).toContain(says);
    expect(line).toContain("does not read");
    expect(line).toMatch(hint);
    expect(line).toContain("--format raw");
  }
});

const HAS_FILE = has("file");
test.skipIf(!HAS_FILE)(`file(1) calls them so too${because(HAS_FILE, "file is not installed")}`, ({ folder }) => {
  const known = SAMPLES.filter(({ magic }) => magic);
  known.forEach((sample, i) => {
    writeFileSync(path.join(folder, String(i)), fileOf(sample));
  });
  const names = known.map((_, i) => String(i));
  const said = execFileSync("file", ["-b", ...names], { cwd: folder, encoding: "latin1" }).split("\n");
  known.forEach(({ says, magic }, i) => {
    expect(`${says}: ${said[i]}`).toMatch(magic ?? /never/);
  });
});

test("through a pipe, and by the end of what comes through one", async ({ folder }) => {
  for (const [says, bytes] of [
    ["VMDK", fileOf({ signature: "KDMV" })],
    ["ISO", fileOf({ signature: "CD001", at: 0x8001 })],
    ["VHD", fileOf({ signature: "conectix", at: -512 })],
  ] as const)
    for (const input of [bytes, gzipSync(bytes, { level: 1 })])
      await expectRefused(folder, ["fingerprint", "vm=-"], ["standard input", says, "does not read"], { input });
});

test("a file that is read whatever it is, with --format raw", async ({ folder }) => {
  for (const [name, bytes] of [
    ["zip", fileOf({ signature: "PK\x03\x04" })],
    ["vhd", fileOf({ signature: "conectix", at: -512 })],
    ["text", Buffer.from("a line of text\n".repeat(1000))],
  ] as const) {
    writeFileSync(path.join(folder, name), bytes);
    writeFileSync(path.join(folder, `${name}.gz`), gzipSync(bytes));
    const sources = [name, `${name}z=${name}.gz`];
    for (const more of [[], ["--verify"]]) {
      const args = ["analyze", ...sources, "--format", "raw", "--page-size", "1k", "--json", "--out", "out", "--force"];
      const said = JSON.parse(await succeed([...args, ...more], { cwd: folder }));
      const [{ members }] = said.worlds[0].sizes;
      expect(members.map(({ pages }: { pages: number }) => pages)).toEqual(
        new Array(2).fill(Math.floor(bytes.length / 1024)),
      );
    }
  }
});

describe("archives and streams of real programs", () => {
  const dump = randomBytes(20_000, 3);
  const cases: [says: string, program: string, args: string[]][] = [
    ["lzma stream", "xz", ["--format=lzma", "-c", "dump"]],
    ["lzma stream", "xz", ["--format=lzma", "-9e", "-c", "dump"]],
    ["lzma stream", "xz", ["--format=lzma", "--lzma1=lc=0,lp=2,pb=0,dict=100KiB", "-c", "dump"]],
    ["framed snappy", "snzip", ["-c", "dump"]],
  ];
  test.for(cases)("%s by %s %j", async ([says, program, args], { folder, skip }) => {
    if (!has(program)) skip(`${program} is not installed`);
    writeFileSync(path.join(folder, "dump"), dump);
    const bytes = execFileSync(program, args, { cwd: folder, maxBuffer: 2 ** 24 });
    expect(await refusal(folder, bytes)).toContain(says);
  });

  const DISKS: [says: string, tool: string, command: string][] = [
    ["swap area", "mkswap", "mkswap disk"],
    ["swap area", "mkswap", "mkswap -p 65536 disk"],
    ["ext", "mkfs.ext4", "mkfs.ext4 -q disk"],
    ["ext", "mkfs.ext2", "mkfs.ext2 -q -b 1024 disk"],
    ["btrfs", "mkfs.btrfs", "mkfs.btrfs -q disk"],
    ["btrfs", "mkfs.btrfs", "mkfs.btrfs -q --mixed disk"],
    ["XFS", "mkfs.xfs", "truncate -s 400M disk; mkfs.xfs -q disk"],
    ["FAT", "mkfs.fat", "mkfs.fat -F 32 disk"],
    ["NTFS", "mkntfs", "mkntfs -q -f -F disk"],
    ["MBR", "sfdisk", "echo , | sfdisk -q disk"],
    ["GPT", "sfdisk", "printf 'label: gpt\\n,' | sfdisk -q disk"],
    ["GPT", "sgdisk", "sgdisk -n 1:0:0 disk"],
    ["squashfs", "mksquashfs", "mksquashfs files image"],
    ["squashfs", "mksquashfs", "mksquashfs files image -comp xz"],
    ["EROFS", "mkfs.erofs", "mkfs.erofs image files"],
    ["ISO 9660", "genisoimage", "genisoimage -quiet -J -R -o image files"],
    ["ISO 9660", "xorriso", "xorriso -as mkisofs -quiet -o image files"],
    ["ZIP", "zip", "zip -q -r image files"],
    ["cpio", "cpio", "find files | cpio --quiet -o -H newc > image"],
    ["lzip", "lzip", "lzip -c files/memory > image"],
    ["compress", "compress", "compress -c files/memory > image"],
  ];
  test.for(DISKS)("%s by %s: %s", async ([says, tool, command], { folder, skip }) => {
    // Tools of the system administrator are not in everyone's path.
    const shell = `PATH=$PATH:/usr/sbin:/sbin; command -v ${tool} || exit 99; truncate -s 128M disk; mkdir files; cp dump files/memory; ${command}`;
    writeFileSync(path.join(folder, "dump"), dump);
    const { status, stderr } = spawnSync("sh", ["-ec", shell], { cwd: folder, encoding: "utf8" });
    if (status === 99) skip(`${tool} is not installed`);
    expect(status, stderr).toBe(0);
    const made = readdirSync(folder).find((name) => name.startsWith("image")) ?? "disk";
    await expectRefused(folder, ["analyze", made], [says, "does not read"]);
  });

  const HAS_QEMU_IMG = has("qemu-img");
  test.skipIf(!HAS_QEMU_IMG)(`disks by qemu-img${because(HAS_QEMU_IMG, "it is not installed")}`, async ({ folder }) => {
    for (const [says, format, ...options] of [
      ["VMDK", "vmdk"],
      ["VMDK", "vmdk", "-o", "subformat=streamOptimized"],
      ["VMDK", "vmdk", "-o", "subformat=monolithicFlat"],
      ["VHD", "vpc"],
      ["VHD", "vpc", "-o", "subformat=fixed"],
      ["VHDX", "vhdx"],
      ["VDI", "vdi"],
      ["QED", "qed"],
      ["Parallels", "parallels"],
      ["qcow2", "qcow2"],
    ]) {
      const own = makeFolder();
      try {
        execFileSync("qemu-img", ["create", "-q", "-f", format, ...options, "disk", "1M"], { cwd: own });
        await expectRefused(folder, ["analyze", path.join(own, "disk")], [says, DISK]);
      } finally {
        removeFolder(own);
      }
    }
  });
});

describe("text", () => {
  const lines = (text: string, bytes = 10_000) => Buffer.from(text.repeat(Math.ceil(bytes / text.length)));
  const utf16 = (mark: number[], text: Buffer) => Buffer.concat([Buffer.from(mark), text]);
  const texts: [what: string, bytes: Buffer][] = [
    ["a README", Buffer.from("# pagekin\n\nMeasures page sharing.\n")],
    ["a log", lines("[    0.000000] Linux version 6.1.0 (gcc 12)\r\n")],
    ["a log with colours", lines("\x1b[32mok\x1b[0m 12:00:01 started\n")],
    ["a CSV that is no trace", lines("pid,rss\n1,4096\n")],
    ["JSON in lines", Buffer.from('{\n  "state": "paused"\n}\n')],
    ["JSON in one line, as state.json of Cloud Hypervisor", lines('{"id":"","snapshots":{"memory-manager":[0,1]}},')],
    ["a list in JSON", Buffer.from('[{"a":1}]')],
    ["XML in one line", Buffer.from('<?xml version="1.0"?><domain type="kvm"/>')],
    ["a hex dump", lines("00000000: 53ff 00f0 53ff 00f0 c3e2 00f0  S...S.......\n")],
    ["base64 in one line", Buffer.from(randomBytes(9000, 4).toString("base64"))],
    ["UTF-8, whose first page ends within a character", lines("aä€😀\n")],
    ["Latin-1", Buffer.from("Speicherabz\xfcge der G\xe4ste\n", "latin1")],
    ["UTF-16", utf16([0xff, 0xfe], Buffer.from("a line\r\n", "utf16le"))],
    ["UTF-16, big-endian", utf16([0xfe, 0xff], Buffer.from("a line\r\n", "utf16le").swap16())],
    ["text with other bytes behind its first page", Buffer.concat([lines("text\n", 5000), randomBytes(9000, 1)])],
  ];
  test.for(texts)("%s", async ([, bytes], { folder }) => {
    for (const packed of [bytes, gzipSync(bytes)])
      expect(await refusal(folder, packed)).toMatch(/^\S+: text: pagekin does not read this/);
  });

  test("in each container", async ({ folder }) => {
    const text = lines("a line of text\n");
    for (const { name } of CONTAINERS.filter(({ installed }) => installed))
      expect(await refusal(folder, pack(name, text))).toMatch(/: text: /);
    if (HAS_ZSTD) expect(await refusal(folder, zstd(text))).toMatch(/: text: /);
  });
});

describe("is read as raw", () => {
  /** Pages of 4 KiB that a dump is found to have. */
  async function pagesOf(folder: string, bytes: Uint8Array): Promise<number> {
    writeFileSync(path.join(folder, "dump"), bytes);
    const [{ sharing }] = await analyze([path.join(folder, "dump")], { pageSizes: [4096], workers: 1 });
    return sharing[0].pages[0];
  }
  const page = (fill: (page: Buffer) => void) => {
    const bytes = Buffer.alloc(4096);
    fill(bytes);
    return Buffer.concat([bytes, randomBytes(4096, 2)]);
  };
  const text = (page: Buffer) => page.fill("a line of text\n");
  const dumps: [what: string, bytes: Buffer][] = [
    ["memory that begins with zeros", page(() => {})],
    [
      "memory of a PC: vectors of the BIOS, and its data",
      page((bytes) => {
        bytes.fill(Buffer.from([0x53, 0xff, 0, 0xf0]), 0, 0x400);
        bytes.write("\xf8\x03\xf8\x02", 0x400, "latin1");
      }),
    ],
    ["a page of text but for one zero byte", page((bytes) => text(bytes).writeUInt8(0, 4095))],
    ["a page of text but for one control character", page((bytes) => text(bytes).writeUInt8(1, 77))],
    ["a page filled with a letter", page((bytes) => bytes.fill("A"))],
    ["a page filled with a byte", page((bytes) => bytes.fill(0xff))],
    ["a page of line ends", page((bytes) => bytes.fill("\n"))],
    // Linux of arm64 and RISC-V begins as PE files do, and may be where memory begins.
    [
      "memory that begins with an arm64 kernel",
      page((bytes) => {
        bytes.write("MZ");
        bytes.write("ARM\x64", 56, "latin1");
        bytes.writeUInt32LE(64, 60);
        bytes.write("PE\0\0", 64, "latin1");
      }),
    ],
    ["bytes that only begin as a compress stream", page((bytes) => bytes.write("\x1f\x9d\xff", "latin1"))],
    ["a signature of a boot sector without partitions", page((bytes) => bytes.write("\x55\xaa", 510, "latin1"))],
    [
      "an octal number where tar has its checksum",
      page((bytes) => bytes.write("x").valueOf() && bytes.write("0001234\0", 148)),
    ],
  ];
  test.for(dumps)("%s", async ([, bytes], { folder }) => {
    expect(await pagesOf(folder, bytes)).toBe(2);
  });

  test("whatever has a byte in its first page that text does not have, and no signature", async ({ folder }) => {
    mkdirSync(path.join(folder, "any"));
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 3000 }),
        fc.nat(4095),
        fc.constantFrom(0, 1, 5, 0x0e, 0x1f, 0x7f),
        async (text, at, byte) => {
          const bytes = page((first) => {
            first.fill(" ").write(`. ${text}`);
            first[at] = byte;
          });
          expect(await pagesOf(path.join(folder, "any"), bytes)).toBe(2);
        },
      ),
      { numRuns: cases(40) },
    );
  });
});

test("files that are compressed three times are refused", async ({ folder }) => {
  const bytes = randomBytes(9000, 5);
  expect(await refusal(folder, gzipSync(gzipSync(gzipSync(bytes))))).toMatch(/compressed three times; decompress/);
});
