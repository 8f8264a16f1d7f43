// The guest's own program, as an initramfs: it fills pages whose contents are known, and then says so for ever.

export const KNOWN_PAGES = 2048;
export const KNOWN_CONTENTS = 256;
/** What the program prints, ten times a second. */
export const ALIVE = "alive";

/** What the program fills its pages with: page i has content i % KNOWN_CONTENTS. */
export const knownPage = (content: number) => Buffer.alloc(4096, Buffer.from(`${"\0"}pagekin`).fill(content, 0, 1));

/** Loads the module /m, if there is one: open, finit_module. */
const loadModule = (codeBytes: number) => `
  b8 02000000              mov eax, 2 (open)
  48 8d 3d ${int32(codeBytes + 22)}       lea rdi, name
  31 f6                    xor esi, esi
  0f 05                    syscall
  89 c7                    mov edi, eax
  48 8d 35 ${int32(codeBytes + 11)}       lea rsi, "" (the end of name)
  31 d2                    xor edx, edx
  b8 39010000              mov eax, 313 (finit_module)
  0f 05                    syscall
`;
/** Behind all code. */
const NAME = "2f6d00  name: /m";

function int32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString("hex");
}

const CODE = `
  b8 09000000              mov eax, 9 (mmap)
  31 ff                    xor edi, edi
  be 00008000              mov esi, 2048 * 4096
  ba 03000000              mov edx, PROT_READ | PROT_WRITE
  41 ba 22000000           mov r10d, MAP_PRIVATE | MAP_ANONYMOUS
  49 83 c8 ff              or r8, -1
  45 31 c9                 xor r9d, r9d
  0f 05                    syscall
  48 89 c7                 mov rdi, rax
  31 db                    xor ebx, ebx
  48 89 d8           page: mov rax, rbx
  25 ff000000              and eax, 256 - 1
  48 ba 00706167656b696e   mov rdx, "\\0pagekin"
  48 09 d0                 or rax, rdx
  b9 00020000              mov ecx, 4096 / 8
  f3 48 ab                 rep stosq
  ff c3                    inc ebx
  81 fb 00080000           cmp ebx, 2048
  72 d9                    jb page
  48 8d 35 20000000  say:  lea rsi, text
  b8 01000000              mov eax, 1 (write)
  89 c7                    mov edi, eax
  ba 06000000              mov edx, 6
  0f 05                    syscall
  48 8d 3d 11000000        lea rdi, pause
  31 f6                    xor esi, esi
  b8 23000000              mov eax, 35 (nanosleep)
  0f 05                    syscall
  eb d9                    jmp say
  616c6976650a       text: "alive\\n"
  00000000 00000000 pause: no seconds
  00e1f505 00000000        100,000,000 ns
`;

const LOADED_AT = 0x400000n;
const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;

/** A static program of x86-64 Linux: one segment that may be read and run. */
export function program(code: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES + SEGMENT_BYTES);
  const bytes = BigInt(head.length + code.length);
  head.write("7f454c46020101", "hex");
  head.writeUInt16LE(2, 16); // an executable
  head.writeUInt16LE(62, 18); // x86-64
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(LOADED_AT + BigInt(head.length), 24);
  head.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  for (const [i, word] of [HEADER_BYTES, SEGMENT_BYTES, 1].entries()) head.writeUInt16LE(word, 52 + 2 * i);
  head.writeUInt32LE(1, HEADER_BYTES); // to load
  head.writeUInt32LE(5, HEADER_BYTES + 4);
  for (const [i, word] of [0n, LOADED_AT, LOADED_AT, bytes, bytes, 4096n].entries())
    head.writeBigUInt64LE(word, HEADER_BYTES + 8 + 8 * i);
  return Buffer.concat([head, code]);
}

/** What stands in hexadecimal before the words. */
export function bytesOf(code: string): Buffer {
  const lines = code.trim().split("\n");
  return Buffer.from(lines.map((line) => line.trim().split("  ")[0].replaceAll(" ", "")).join(""), "hex");
}

/** Programs, files and folders as an archive (cpio of the kind "newc"). */
export function archive(entries: { programs?: Files; files?: Files; folders?: readonly string[] }): Buffer {
  const { programs = {}, files = {}, folders = [] } = entries;
  return Buffer.concat([
    ...folders.map((name) => cpioFile(name, 0o040755, NOTHING)),
    ...Object.entries(programs).map(([name, bytes]) => cpioFile(name, 0o100755, bytes)),
    ...Object.entries(files).map(([name, bytes]) => cpioFile(name, 0o100644, bytes)),
    cpioFile("TRAILER!!!", 0, NOTHING),
  ]);
}

type Files = Record<string, Uint8Array>;
const NOTHING = Buffer.alloc(0);

function cpioFile(name: string, mode: number, bytes: Uint8Array): Buffer {
  const padded = (part: Uint8Array) => Buffer.concat([part, Buffer.alloc(-part.length & 3)]);
  const fields = [1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head)), padded(bytes)]);
}

/** module: of the kernel, for the program to load. */
export function initramfs(module: Buffer | undefined): Buffer {
  const init = program(Buffer.concat([loadModule(bytesOf(CODE).length), CODE, NAME].map(bytesOf)));
  return archive({ programs: { init }, files: module ? { m: module } : {} });
}
