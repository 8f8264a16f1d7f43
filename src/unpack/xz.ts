// xz files by way of the xz-embedded in xz-decompress. Its stream class decodes one file at a time in a thread, so that
// an xz in an xz would wait for itself, and knows no offsets; only its compiled module is used, an instance a file.
// It checks CRC32 and CRC64, takes streams one after the other, and refuses dictionaries of more than 64 MiB.

import { crc32 } from "node:zlib";
import { breathe } from "../system/pace.js";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";

/** What the decoder answers (enum xz_ret). */
const RESULT = { ok: 0, end: 1, noMemory: 3, memoryLimit: 4, noFormat: 5, option: 6, noProgress: 8 } as const;
const MAGIC = "\xfd7zXZ\0";
const HEADER_BYTES = 12;
const FOOTER_BYTES = 12;
/** A footer, and less than another stream's header. */
const TAIL_BYTES = FOOTER_BYTES + HEADER_BYTES - 1;
/** The decoder's context as words: the size of its two buffers, then the one for input, then the one for output. */
const [SIZE, IN, IN_AT, IN_BYTES, OUT, OUT_BYTES, WORDS] = [0, 1, 2, 3, 4, 5, 6];

interface Decoder {
  memory: { buffer: ArrayBuffer };
  create_context(): number;
  supply_input(context: number, bytes: number): void;
  get_next_output(context: number): number;
}

/** The bytes of an xz file; streams may follow each other, with padding. */
export function unxz(input: AsyncIterable<Uint8Array>, file: string, onPadding: OnPadding) {
  return decoded(new ByteStream(input, "xz", file, onPadding), (stream) => decode(stream, onPadding));
}

async function* decode(stream: ByteStream, onPadding: OnPadding): AsyncGenerator<Uint8Array> {
  const decoder = await newDecoder();
  const context = decoder.create_context();
  // The memory moves when it grows.
  const words = () => new Uint32Array(decoder.memory.buffer, context, WORDS);
  const bufferBytes = words()[SIZE];
  const tail = new Tail();
  for (let result: number = RESULT.ok; result !== RESULT.end; ) {
    const packed = await stream.some(bufferBytes);
    tail.add(packed);
    new Uint8Array(decoder.memory.buffer).set(packed, words()[IN]);
    // None: the stream has ended.
    decoder.supply_input(context, packed.length);
    for (let full = true; full && result !== RESULT.end; ) {
      result = decoder.get_next_output(context);
      const state = words();
      const bytes = state[OUT_BYTES];
      const used = state[IN_AT];
      if (bytes > 0) yield new Uint8Array(decoder.memory.buffer, state[OUT], bytes).slice();
      words()[OUT_BYTES] = 0;
      if (result !== RESULT.ok && result !== RESULT.end) {
        stream.skip(Math.min(used, packed.length));
        throw failure(stream, result, tail, packed.subarray(Math.max(0, used - HEADER_BYTES), used));
      }
      full = bytes === bufferBytes || used < state[IN_BYTES];
      const turn = breathe();
      if (turn) await turn;
    }
    stream.skip(packed.length);
  }
  if (tail.zeros > 0) onPadding(tail.zeros);
}

/** What the input ended with, up to now. */
class Tail {
  /** How many zeros; a stream ends with YZ. */
  zeros = 0;
  /** The last bytes before them. */
  private data: Buffer = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    const last = bytes.findLastIndex((byte) => byte !== 0);
    if (last >= 0) {
      const between = Buffer.alloc(Math.min(this.zeros, TAIL_BYTES));
      this.data = Buffer.concat([this.data, between, bytes.subarray(0, last + 1).subarray(-TAIL_BYTES)]).subarray(
        -TAIL_BYTES,
      );
    }
    this.zeros = last < 0 ? this.zeros + bytes.length : bytes.length - 1 - last;
  }

  /** What stands behind the footer of a stream: the CRC of the next six bytes, these, YZ. */
  behindFooter(): Buffer | undefined {
    const { data } = this;
    for (let end = data.length; end >= FOOTER_BYTES; end--) {
      const footer = data.subarray(end - FOOTER_BYTES, end);
      if (footer.toString("latin1", 10) === "YZ" && crc32(footer.subarray(4, 10)) === footer.readUInt32LE(0))
        return data.subarray(end);
    }
    return undefined;
  }
}

/** read: what the decoder read last, as long as a header. */
function failure(stream: ByteStream, result: number, tail: Tail, read: Uint8Array): Error {
  const otherOptions = "decompress it with xz -d, or compress it again without special options";
  if (result === RESULT.noProgress) {
    const behind = tail.behindFooter();
    // The magic number, whole or cut.
    const isStream = behind?.toString("latin1", 0, MAGIC.length) === MAGIC.slice(0, behind?.length);
    if (!behind || (isStream && behind.length > 0)) return stream.endsEarly();
    if (behind.length === 0) return stream.damaged(`${tail.zeros} bytes of padding are not a multiple of four`);
    return stream.unexpected(behind, stream.offset - tail.zeros - behind.length);
  }
  if (result === RESULT.noFormat) return stream.unexpected(read, stream.offset - read.length);
  if (result === RESULT.memoryLimit) return stream.unsupported("needs a dictionary of more than 64 MiB", otherOptions);
  if (result === RESULT.noMemory) return stream.unsupported("needs more memory than there is", otherOptions);
  if (result === RESULT.option) {
    return stream.unsupported("has a filter or a checksum that pagekin does not know", otherOptions);
  }
  return stream.damaged("its data or a checksum is wrong");
}

async function newDecoder(): Promise<Decoder> {
  const { default: library } = (await import("xz-decompress")) as unknown as {
    default: { XzReadableStream: { _getModuleInstance(): Promise<void>; _moduleInstance: { exports: Decoder } } };
  };
  await library.XzReadableStream._getModuleInstance();
  return library.XzReadableStream._moduleInstance.exports;
}
