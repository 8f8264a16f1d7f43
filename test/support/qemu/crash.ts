// A guest that crashes, and the kernel that starts then: it copies /proc/vmcore to a file of the host's, through memory that
// both share (ivshmem), which needs no driver. The same program is the first one of both kernels.

import { closeSync, openSync, readFileSync, readSync, truncateSync } from "node:fs";
import path from "node:path";
import type { Guest, Machine } from "./guest.js";
import { archive, bytesOf, program } from "./initramfs.js";

const MIB = 2 ** 20;
/** Memory of the kernel that starts after the crash: it parts the other's in two. */
const RESERVED = { from: 96 * MIB, bytes: 96 * MIB };
const MEMORY = 256 * MIB;
const SHARED = 512 * MIB;
const DUMPED = "dumped\n";

const TEXTS = {
  slash: "/",
  proc: "/proc",
  sys: "/sys",
  sysfs: "sysfs",
  vmcore: "/proc/vmcore",
  shared: "/sys/bus/pci/devices/0000:00:10.0/resource2",
  kernel: "/kernel",
  initrd: "/initrd",
  options: "console=ttyS0 quiet nr_cpus=1 irqpoll reset_devices cryptomgr.notests no_timer_check",
  trigger: "/proc/sysrq-trigger",
  crash: "c",
  dumped: DUMPED,
  failed: "failed\n",
};
type Text = keyof typeof TEXTS;

/** A word with @ is the place of a text, from the end of the instruction on. */
const CODE = `
  48 8d 3d @slash          lea rdi, slash
  48 8d 35 @proc           lea rsi, proc
  48 8d 15 @proc           lea rdx, proc
  48 ff c2                 inc rdx (without its slash)
  45 31 d2                 xor r10d, r10d
  45 31 c0                 xor r8d, r8d
  b8 a5000000              mov eax, 165 (mount)
  0f 05                    syscall
  48 8d 3d @slash          lea rdi, slash
  48 8d 35 @sys            lea rsi, sys
  48 8d 15 @sysfs          lea rdx, sysfs
  b8 a5000000              mov eax, 165 (mount)
  0f 05                    syscall
  48 8d 3d @vmcore         lea rdi, vmcore
  31 f6                    xor esi, esi
  b8 02000000              mov eax, 2 (open)
  0f 05                    syscall
  89 c3                    mov ebx, eax
  85 c0                    test eax, eax
  78 51                    js first
  48 8d 3d @shared         lea rdi, shared
  be 02000000              mov esi, O_RDWR
  b8 02000000              mov eax, 2 (open)
  0f 05                    syscall
  41 89 c0                 mov r8d, eax
  31 ff                    xor edi, edi
  be 00000020              mov esi, 512 MiB
  ba 03000000              mov edx, PROT_READ | PROT_WRITE
  41 ba 01000000           mov r10d, MAP_SHARED
  45 31 c9                 xor r9d, r9d
  b8 09000000              mov eax, 9 (mmap)
  0f 05                    syscall
  48 89 c6                 mov rsi, rax
  89 df              copy: mov edi, ebx
  ba 00001000              mov edx, 1 MiB
  31 c0                    xor eax, eax (read)
  0f 05                    syscall
  48 01 c6                 add rsi, rax
  48 85 c0                 test rax, rax
  7f ed                    jg copy
  48 8d 35 @dumped         lea rsi, dumped
  eb 6e                    jmp say
  48 8d 3d @kernel  first: lea rdi, kernel
  31 f6                    xor esi, esi
  b8 02000000              mov eax, 2 (open)
  0f 05                    syscall
  89 c3                    mov ebx, eax
  48 8d 3d @initrd         lea rdi, initrd
  31 f6                    xor esi, esi
  b8 02000000              mov eax, 2 (open)
  0f 05                    syscall
  89 df                    mov edi, ebx
  89 c6                    mov esi, eax
  ba ${(TEXTS.options.length + 1).toString(16).padStart(2, "0")}000000              mov edx, bytes of options
  4c 8d 15 @options        lea r10, options
  41 b8 02000000           mov r8d, KEXEC_FILE_ON_CRASH
  b8 40010000              mov eax, 320 (kexec_file_load)
  0f 05                    syscall
  48 8d 3d @trigger        lea rdi, trigger
  be 01000000              mov esi, O_WRONLY
  b8 02000000              mov eax, 2 (open)
  0f 05                    syscall
  89 c7                    mov edi, eax
  48 8d 35 @crash          lea rsi, crash
  ba 01000000              mov edx, 1
  b8 01000000              mov eax, 1 (write)
  0f 05                    syscall
  48 8d 35 @failed         lea rsi, failed
  bf 01000000         say: mov edi, 1
  ba 07000000              mov edx, 7
  b8 01000000              mov eax, 1 (write)
  0f 05                    syscall
  b8 22000000        wait: mov eax, 34 (pause)
  0f 05                    syscall
  eb f7                    jmp wait
`;

function initOfBoth(): Buffer {
  const isText = (word: string): word is `@${Text}` => word.startsWith("@");
  const lines = CODE.trim()
    .split("\n")
    .map((line) => line.trim().split("  ")[0].split(" "));
  const bytesIn = (words: readonly string[]) =>
    words.reduce((sum, word) => sum + (isText(word) ? 4 : word.length / 2), 0);
  let end = lines.reduce((sum, words) => sum + bytesIn(words), 0);
  const places = Object.fromEntries(
    Object.entries(TEXTS).map(([name, text]) => {
      const place = end;
      end += text.length + 1;
      return [name, place];
    }),
  );
  let at = 0;
  const code = lines.map((words) => {
    at += bytesIn(words);
    const next = at;
    const relative = (word: string) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(places[word.slice(1)] - next);
      return bytes.toString("hex");
    };
    return words.map((word) => (isText(word) ? relative(word) : word)).join("");
  });
  const texts = Object.values(TEXTS).map((text) => Buffer.from(`${text}\0`));
  return program(Buffer.concat([bytesOf(code.join("\n")), ...texts]));
}

/** A machine that crashes as soon as it is up. */
export function crashingMachine(kernel: string): Machine {
  const init = initOfBoth();
  const folders = ["proc", "sys"];
  const initrd = archive({ programs: { init }, folders });
  const memory = `memory-backend-file,id=shared,share=on,mem-path=vmcore,size=${SHARED}`;
  return {
    ...{ machine: "q35", memoryMiB: MEMORY / MIB, vga: "none", kernel },
    initramfs: archive({ programs: { init }, files: { kernel: readFileSync(kernel), initrd }, folders }),
    // A kernel at a random place may lie in what is to be reserved.
    append: `nokaslr crashkernel=${RESERVED.bytes / MIB}M@${RESERVED.from / MIB}M`,
    options: ["-object", memory, "-device", "ivshmem-plain,memdev=shared,addr=0x10"],
  };
}

/** A segment of memory in /proc/vmcore. */
export interface VmcoreLoad {
  offset: number;
  address: number;
  bytes: number;
}

/** Waits until the file `vmcore` is there, and tells its segments. */
export async function vmcoreOf(guest: Guest): Promise<VmcoreLoad[]> {
  await guest.untilPrinted("sysrq triggered crash");
  await guest.untilPrinted(DUMPED.trim());
  const file = path.join(guest.folder, "vmcore");
  const head = Buffer.alloc(4096);
  const fd = openSync(file, "r");
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  const [first, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(56)];
  const loads: VmcoreLoad[] = [];
  for (let at = first; at < first + 56 * count; at += 56) {
    if (head.readUInt32LE(at) !== 1) continue;
    const [offset, address, bytes] = [8, 24, 32].map((field) => Number(head.readBigUInt64LE(at + field)));
    loads.push({ offset, address, bytes });
  }
  truncateSync(file, Math.max(...loads.map(({ offset, bytes }) => offset + bytes)));
  return loads;
}
