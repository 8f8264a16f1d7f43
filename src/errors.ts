/** Exit codes of the command line. */
export const EXIT = { done: 0, bug: 1, input: 2, mismatch: 3, interrupted: 130 } as const;

/** Where something is wrong: a file, and the offset (bytes) or the line in it. */
export interface Place {
  file?: string | undefined;
  offset?: number | undefined;
  line?: number | undefined;
  column?: number | undefined;
}

/** A text without characters that would move or colour what a terminal shows. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const short = JSON.stringify(control).slice(1, -1);
    return short === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}` : short;
  });
}

/** The one error class: what is wrong, where, and what to do about it. Only main.ts prints it. */
export class PagekinError extends Error {
  readonly place: Place;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(what: string, options: Place & { hint?: string | undefined; exitCode?: number | undefined } = {}) {
    super(what);
    this.name = "PagekinError";
    this.place = { file: options.file, offset: options.offset, line: options.line, column: options.column };
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.input;
  }

  /** One line: `FILE: at 0x1f0: what is wrong; what to do`. */
  get line(): string {
    const { file, offset, line, column } = this.place;
    const parts = [
      file,
      offset === undefined ? undefined : `at 0x${offset.toString(16)}`,
      line === undefined ? undefined : `line ${line}${column === undefined ? "" : `, column ${column}`}`,
    ];
    const where = parts.filter((part) => part !== undefined).map((part) => `${part}: `);
    // A library's message may have several lines, and a file's name any character.
    const what = this.message.replace(/\s*\n\s*/g, " ");
    return printable(`${where.join("")}${what}${this.hint ? `; ${this.hint}` : ""}`);
  }
}

const SYSTEM_ERRORS: Record<string, [what: string, hint?: string]> = {
  ENOENT: ["no such file", "check the path"],
  EISDIR: ["is a folder", "name the files in it"],
  EACCES: ["permission denied", "check who may read or write it"],
  EPERM: ["operation not permitted", "run as a user who may do it"],
  ENOSPC: ["no space left on the device", "free some, or choose another --out (results) or TMPDIR (temporary files)"],
  EDQUOT: ["disk quota exceeded", "free some, or choose another --out (results) or TMPDIR (temporary files)"],
  EFBIG: ["file size limit reached", "raise it (ulimit -f)"],
  EROFS: ["the file system is read-only", "choose another --out"],
  ENOTDIR: ["a part of the path is not a folder", "check the path"],
  EEXIST: ["a file is in the way", "choose another --out"],
  EMFILE: ["too many open files", "raise the limit (ulimit -n)"],
  EIO: ["input/output error", "the device could not be read or written"],
};

/** What to do where memory ran out. */
export const LESS_MEMORY = "give less --max-memory or fewer --workers, or raise the limit (ulimit -v, ulimit -d)";

/** V8 reserves 10 GiB of addresses for each wasm memory, to find accesses out of bounds by page faults. */
const NO_ADDRESSES =
  "raise the limit of the address space (ulimit -v unlimited), or set NODE_OPTIONS=--disable-wasm-trap-handler, which needs less";

/** Where V8 was refused memory, as it says so; an error from another thread has its message alone. */
function outOfMemory({ message }: Error): PagekinError | undefined {
  if (/^\w+\.\w+\(\): .*(could not|cannot) allocate/i.test(message)) {
    return new PagekinError("there is no address space left for wasm memories", { hint: NO_ADDRESSES });
  }
  if (!/^Array buffer allocation failed|^\w+\.\w+\(\): out of memory/i.test(message)) return undefined;
  return new PagekinError("there is no memory left", { hint: LESS_MEMORY });
}

/** An error of the operating system, or of memory that ran out, as a PagekinError; any other error as it is. */
export function fromSystem(error: unknown, file?: string): unknown {
  if (error instanceof PagekinError || !(error instanceof Error)) return error;
  const memory = outOfMemory(error);
  if (memory) return memory;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const [what, hint] = SYSTEM_ERRORS[code] ?? [error.message];
  return new PagekinError(what, { file: file ?? path, hint });
}

/** An error on its way between threads. */
export interface PackedError {
  message: string;
  stack: string | undefined;
  known?: ConstructorParameters<typeof PagekinError>[1];
}

export function packError(error: Error): PackedError {
  const packed: PackedError = { message: error.message, stack: error.stack };
  if (error instanceof PagekinError) packed.known = { ...error.place, hint: error.hint, exitCode: error.exitCode };
  return packed;
}

export function unpackError({ message, stack, known }: PackedError): Error {
  if (known) return new PagekinError(message, known);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** A thread is gone, with an error of its own or without. */
export function workerEnded(error: unknown): PagekinError {
  const why = error instanceof Error ? ` (${error.message})` : "";
  return new PagekinError(`a worker thread ended before its work was done${why}`, {
    hint: "nothing was written; try again with fewer --workers or less --max-memory",
    exitCode: EXIT.bug,
  });
}
