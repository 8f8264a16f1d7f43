// The one file in a tar archive. Format of pax headers: POSIX.1-2017, pax, "pax Header Block".

import { PagekinError, quoted } from "../errors.js";
import { ByteStream, decoded } from "./byte-stream.js";
import { BLOCK_BYTES, FIELD, isChecked, numberAt, textAt } from "./tar-header.js";

const TYPE_AT = 156;
const REGULAR = ["0", "\0", "7"];
/** Headers that describe the file behind them. */
const EXTENDED = ["x", "g", "L", "K", "X"];
const GNU_SPARSE = "S";
/** Extended headers hold names and numbers. */
const MOST_EXTENDED_BYTES = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** The bytes of the archive's only regular file that is not empty; an error where there are several. */
export function untar(input: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  return decoded(new ByteStream(input, "tar", file, () => {}), (stream) => onlyFile(stream, file));
}

async function* onlyFile(stream: ByteStream, file: string): AsyncGenerator<Uint8Array> {
  let found: string | undefined;
  let extended = new Map<string, string>();
  let isAnnounced = false;
  for (let header = await nextHeader(stream); header; header = await nextHeader(stream)) {
    const type = String.fromCharCode(header[TYPE_AT]);
    const bytes = Number(extended.get("size") ?? numberAt(header, FIELD.size));
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw stream.damaged("the length of a file in it makes no sense");
    isAnnounced = EXTENDED.includes(type);
    if (isAnnounced) {
      if (bytes > MOST_EXTENDED_BYTES) throw stream.damaged("an extended header is too long");
      const records = await stream.take(bytes);
      if (type === "x") extended = recordsOf(records);
    } else {
      const isSparse = type === GNU_SPARSE || [...extended.keys()].some((key) => key.startsWith("GNU.sparse."));
      const name = extended.get("path") ?? textAt(header, FIELD.name);
      extended = new Map();
      if (!REGULAR.includes(type) && !isSparse) {
        await pass(stream, bytes);
      } else if (bytes === 0 || isAppleDouble(name)) {
        await pass(stream, bytes);
      } else {
        if (isSparse) throw stream.unsupported("holds a sparse file", "extract it first");
        if (found !== undefined) throw holdsSeveral(file, [found, name]);
        found = name;
        yield* contents(stream, bytes);
      }
    }
    await passPadding(stream, bytes);
  }
  if (isAnnounced) throw stream.endsEarly();
  if (found === undefined)
    throw new PagekinError("the tar archive holds no file", { file, hint: "name the dump itself" });
}

function holdsSeveral(file: string, names: readonly string[]): PagekinError {
  const what = `the tar archive holds several files (${names.map((name) => quoted(name, 40)).join(", ")}, ...)`;
  return new PagekinError(what, { file, hint: "extract it and name the dump" });
}

/** macOS keeps what its file systems know besides in files of such names. */
const isAppleDouble = (name: string) => /(^|\/)\._[^/]*$/.test(name);

/** undefined at the archive's end: a block of zeros, or the end of the file. */
async function nextHeader(stream: ByteStream): Promise<Uint8Array | undefined> {
  const header = await stream.peek(BLOCK_BYTES);
  if (header.length === 0 || header.every((byte) => byte === 0)) return undefined;
  if (header.length < BLOCK_BYTES) throw stream.endsEarly(header.length);
  if (!isChecked(header)) throw stream.damaged("a header has a wrong checksum");
  const copy = header.slice();
  stream.skip(BLOCK_BYTES);
  return copy;
}

async function* contents(stream: ByteStream, bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; ) {
    const piece = await stream.some(Math.min(left, PIECE_BYTES));
    if (piece.length === 0) throw stream.endsEarly();
    stream.skip(piece.length);
    left -= piece.length;
    yield piece;
  }
}

async function pass(stream: ByteStream, bytes: number): Promise<void> {
  for await (const _ of contents(stream, bytes));
}

/** Files are filled up to whole blocks; the last one of an archive may lack that. */
async function passPadding(stream: ByteStream, bytes: number): Promise<void> {
  const padding = -bytes & (BLOCK_BYTES - 1);
  stream.skip((await stream.peek(padding)).length);
}

/** The records of a pax header: `LENGTH KEY=VALUE\n`. */
function recordsOf(bytes: Uint8Array): Map<string, string> {
  const text = Buffer.from(bytes);
  const records = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const length = Number.parseInt(text.toString("latin1", at, at + 20), 10);
    if (!(length > 0)) break;
    const record = text.toString("utf8", at, at + length - 1);
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/s.exec(record) ?? [];
    if (key !== undefined) records.set(key, value);
    at += length;
  }
  return records;
}
