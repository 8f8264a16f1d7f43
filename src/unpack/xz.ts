// xz files by way of the xz-embedded in xz-decompress. Its stream class decodes one file at a time in a thread, so that
// an xz in an xz would wait for itself, and knows no offsets; only its compiled module is used, an instance a file.
// It checks CRC32 and CRC64, takes streams one after the other, and refuses dictionaries of more than 64 MiB.

import { breathe } from "../system/pace.js";
import { ByteStream, decoded, type OnPadding } from "./byte-stream.js";

/** What the decoder answers (enum xz_ret). */
const RESULT = { ok: 0, end: 1, noMemory: 3, memoryLimit: 4, noFormat: 5, option: 6, noProgress: 8 } as const;
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
  // A stream ends with YZ.
  let zeros = 0;
  for (let result: number = RESULT.ok; result !== RESULT.end; ) {
    const packed = await stream.some(bufferBytes);
    zeros = zerosAtEnd(packed, zeros);
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
        throw failure(stream, result);
      }
      full = bytes === bufferBytes || used < state[IN_BYTES];
      const turn = breathe();
      if (turn) await turn;
    }
    stream.skip(packed.length);
  }
  if (zeros > 0) onPadding(zeros);
}

/** How many zeros end what came so far. before: of what came before these bytes. */
function zerosAtEnd(bytes: Uint8Array, before: number): number {
  const last = bytes.findLastIndex((byte) => byte !== 0);
  return last < 0 ? before + bytes.length : bytes.length - 1 - last;
}

function failure(stream: ByteStream, result: number): Error {
  const otherOptions = "decompress it with xz -d, or compress it again without special options";
  if (result === RESULT.noProgress) return stream.endsEarly();
  if (result === RESULT.noFormat) return stream.damaged("no xz stream begins here");
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
