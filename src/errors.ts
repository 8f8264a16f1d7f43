/** Exit codes of the command line. */
export const EXIT = { done: 0, bug: 1, input: 2, mismatch: 3, interrupted: 130 } as const;

/** Where something is wrong: a file, and the offset (bytes) or the line in it. */
export interface Place {
  file?: string | undefined;
  offset?: number | undefined;
  line?: number | undefined;
  column?: number | undefined;
}

/** Of a text that is quoted: so many characters at most. */
const MOST_QUOTED = 80;
/** Of a line with `pagekin: ` before it. */
const MOST_LINE = 300 - "pagekin: ".length;

/** Controls (C0, C1), what is invisible or turns the direction of writing, other line ends, halves of characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text without characters that would move, colour or hide what a terminal shows. */
export function printable(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same without touching line ends. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

/** JSON with the same characters as escapes, which JSON.stringify leaves as they are beyond ASCII; it means the same. */
export function printableJson(json: string): string {
  return json.replace(UNSEEN, (one) => (one === "\n" ? one : unitsOf(one)));
}

const unitsOf = (text: string) =>
  Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");

function escaped(one: string): string {
  const short = JSON.stringify(one).slice(1, -1);
  return short === one ? unitsOf(one) : short;
}

/** What comes from outside, as messages quote it: in one line, and with its middle left out where it is long. */
export function quoted(text: unknown, most = MOST_QUOTED): string {
  // Only what may be shown is looked at: a text may be a whole file.
  const whole = String(text);
  const shown = whole.length > 2 * most ? `${whole.slice(0, most)}${whole.slice(-most)}` : whole;
  const line = printable(shown);
  if (shown === whole && line.length <= most) return line;
  const end = Math.floor((most - 3) / 3);
  return `${line.slice(0, most - 3 - end)}...${line.slice(-end)}`;
}

/** A list of what comes from outside: as many as fit, and that there are more. */
export function quotedList(texts: readonly string[]): string {
  let list = "";
  for (const [i, text] of texts.entries()) {
    const longer = i === 0 ? quoted(text) : `${list}, ${quoted(text)}`;
    if (i > 0 && longer.length > MOST_QUOTED) return `${list}, ...`;
    list = longer;
  }
  return list;
}

/** A message as one line: libraries' messages may have several, and whatever was not quoted is cut. */
function sentence(text: string, most = MOST_LINE): string {
  const words = printable(text.slice(0, 10 * MOST_LINE).replace(/\s*\n\s*/g, " "));
  return cut(
    words.replace(/\S{81,}/gu, (word) => quoted(word)),
    most,
  );
}

const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, Math.max(0, most - 3))}...`);

/**
 * The one error class: what is wrong, where, and what to do about it. Only main.ts prints it. Its texts are single lines
 * without control characters, whatever they quote.
 */
export class PagekinError extends Error {
  readonly place: Place;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(what: string, options: Place & { hint?: string | undefined; exitCode?: number | undefined } = {}) {
    super(sentence(what));
    this.name = "PagekinError";
    this.place = { file: options.file, offset: options.offset, line: options.line, column: options.column };
    this.hint = options.hint === undefined ? undefined : sentence(options.hint);
    this.exitCode = options.exitCode ?? EXIT.input;
  }

  /** One line of 291 characters at most: `FILE: at 0x1f0: what is wrong; what to do`. */
  get line(): string {
    const { file, offset, line, column } = this.place;
    const parts = [
      file === undefined ? undefined : quoted(file),
      offset === undefined ? undefined : `at 0x${offset.toString(16)}`,
      line === undefined ? undefined : `line ${line}${column === undefined ? "" : `, column ${column}`}`,
    ];
    const where = parts.flatMap((part) => (part === undefined ? [] : [`${part}: `])).join("");
    const room = MOST_LINE - where.length;
    const { message, hint = "" } = this;
    if (hint === "") return where + cut(message, room);
    const what = cut(message, Math.max(room - hint.length - 2, Math.floor(room / 2)));
    return `${where}${what}; ${cut(hint, room - what.length - 2)}`;
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
  ENAMETOOLONG: ["the name of the file is too long", "give it a shorter one"],
  ELOOP: ["too many symbolic links", "check the path"],
  ENOMEM: ["not enough memory", "free some, or give less --max-memory and fewer --workers"],
};

/** Errors that Node itself finds. */
const NODE_ERRORS: Record<string, [what: string, hint: string]> = {
  ERR_FS_FILE_TOO_LARGE: ["is too large to be read at once", "split it"],
  ERR_STRING_TOO_LONG: ["is too large to be read at once", "split it"],
  ERR_INVALID_ARG_VALUE: ["not a path", "a path cannot contain a zero byte"],
};

/** What to do where memory ran out. */
export const LESS_MEMORY = "give less --max-memory or fewer --workers, or raise the limit (ulimit -v, ulimit -d)";

/** V8 reserves 10 GiB of addresses for each wasm memory, to find accesses out of bounds by page faults. */
const NO_ADDRESSES =
  "raise the limit of the address space (ulimit -v unlimited), or set NODE_OPTIONS=--disable-wasm-trap-handler, which needs less";

/** How V8 says that there is no memory left. */
const NO_MEMORY =
  /^(Array buffer allocation failed|Invalid string length|Cannot create a string longer|\w+\.\w+\(\): out of memory)/i;

/** Where V8 was refused memory, as it says so; an error from another thread has its message alone. */
function outOfMemory({ message }: Error): PagekinError | undefined {
  if (/^\w+\.\w+\(\): .*(could not|cannot) allocate/i.test(message)) {
    return new PagekinError("there is no address space left for wasm memories", { hint: NO_ADDRESSES });
  }
  if (!NO_MEMORY.test(message)) return undefined;
  return new PagekinError("there is no memory left", { hint: LESS_MEMORY });
}

/** An error of the operating system, or of memory that ran out, as a PagekinError; any other error as it is. */
export function fromSystem(error: unknown, file?: string): unknown {
  if (error instanceof PagekinError || !(error instanceof Error)) return error;
  const memory = outOfMemory(error);
  if (memory) return memory;
  const { code = "", path, syscall } = error as NodeJS.ErrnoException;
  if (Object.hasOwn(NODE_ERRORS, code)) {
    const [what, hint] = NODE_ERRORS[code];
    return new PagekinError(what, { file: file ?? path, hint });
  }
  if (code === "" || syscall === undefined) return error;
  const [what, hint] = SYSTEM_ERRORS[code] ?? [quoted(error.message)];
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
  const why = error instanceof Error ? ` (${quoted(error.message)})` : "";
  return new PagekinError(`a worker thread ended before its work was done${why}`, {
    hint: "nothing was written; try again with fewer --workers or less --max-memory",
    exitCode: EXIT.bug,
  });
}
