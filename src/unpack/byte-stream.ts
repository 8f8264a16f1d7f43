import { PagekinError } from "../errors.js";
import { breathe } from "../system/pace.js";
import { indexOfData } from "../system/zeros.js";

const NOTHING = new Uint8Array(0);
const PADDING_CHUNK = 1024 * 1024;
/** Bytes that an error shows of what should not be there. */
const SHOWN_BYTES = 8;

/** Is told how many zero bytes follow the end of the last stream. */
export type OnPadding = (bytes: number) => void;

/** A stream that comes in chunks, taken in the pieces that a decoder needs. */
export class ByteStream {
  /** Where in the stream the next byte stands. */
  offset = 0;

  private chunk: Uint8Array = NOTHING;
  private at = 0;
  private readonly chunks: AsyncIterator<Uint8Array>;

  /** kind: what messages call the compression. */
  constructor(
    input: AsyncIterable<Uint8Array>,
    private readonly kind: string,
    private readonly file: string,
    private readonly onPadding: OnPadding,
  ) {
    this.chunks = input[Symbol.asyncIterator]();
  }

  /** The next bytes without taking them: one at least, and none only where the stream ends. */
  async some(most: number): Promise<Uint8Array> {
    while (this.at === this.chunk.length) {
      const { done, value } = await this.chunks.next();
      if (done) return NOTHING;
      this.chunk = value;
      this.at = 0;
    }
    return this.chunk.subarray(this.at, this.at + most);
  }

  /** The next bytes without taking them; fewer only where the stream ends. */
  async peek(bytes: number): Promise<Uint8Array> {
    if (this.chunk.length - this.at >= bytes) return this.chunk.subarray(this.at, this.at + bytes);
    const parts = [this.chunk.subarray(this.at)];
    let length = parts[0].length;
    while (length < bytes) {
      const { done, value } = await this.chunks.next();
      if (done) break;
      parts.push(value);
      length += value.length;
    }
    this.chunk = parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
    this.at = 0;
    return this.chunk.subarray(0, bytes);
  }

  /** Takes bytes that were seen. */
  skip(bytes: number): void {
    this.at += bytes;
    this.offset += bytes;
  }

  async take(bytes: number): Promise<Uint8Array> {
    const taken = await this.peek(bytes);
    if (taken.length < bytes) throw this.endsEarly(taken.length);
    this.skip(bytes);
    return taken;
  }

  async takeUint32LE(): Promise<number> {
    const bytes = await this.take(4);
    return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
  }

  async takeUint32BE(): Promise<number> {
    const bytes = await this.take(4);
    return ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
  }

  /**
   * Whether another stream begins here, by (a cut form of) one of its signatures. Behind the last one there may be zeros, as
   * on a volume or a tape; anything else is an error.
   */
  async hasNext(...signatures: readonly (readonly number[])[]): Promise<boolean> {
    const longest = signatures.reduce((most, { length }) => Math.max(most, length), 0);
    const next = await this.peek(longest);
    if (next.length === 0) return false;
    if (signatures.some((signature) => next.every((byte, i) => i >= signature.length || byte === signature[i])))
      return true;
    if (this.offset > 0 && next[0] === 0) await this.takePadding();
    const found = await this.peek(SHOWN_BYTES);
    if (found.length > 0) throw this.unexpected(found);
    return false;
  }

  private async takePadding(): Promise<void> {
    let bytes = 0;
    for (;;) {
      const chunk = await this.some(PADDING_CHUNK);
      const data = indexOfData(chunk);
      const zeros = data < 0 ? chunk.length : data;
      this.skip(zeros);
      bytes += zeros;
      if (zeros === 0 || data >= 0) break;
      const turn = breathe();
      if (turn) await turn;
    }
    if ((await this.some(1)).length === 0) this.onPadding(bytes);
  }

  /** Of bytes that stand where the next stream should begin, or nothing. */
  unexpected(bytes: Uint8Array, offset = this.offset): PagekinError {
    const found = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString("hex");
    const { kind, file } = this;
    if (offset === 0) return this.damaged(`it begins with ${found}`);
    const what = `neither another ${kind} stream nor zero padding follows the end of the ${kind} stream, but ${found}`;
    return new PagekinError(what, { file, offset, hint: "remove what does not belong to the file" });
  }

  /** left: bytes that there are yet from the offset on. */
  endsEarly(left = 0): PagekinError {
    return this.error(`the ${this.kind} stream ends early`, this.offset + left);
  }

  damaged(why: string, offset = this.offset): PagekinError {
    return this.error(`the ${this.kind} stream is damaged (${why})`, offset);
  }

  unsupported(why: string, hint: string): PagekinError {
    return new PagekinError(`the ${this.kind} stream ${why}`, { file: this.file, offset: this.offset, hint });
  }

  private error(what: string, offset: number): PagekinError {
    return new PagekinError(what, { file: this.file, offset, hint: "copy or compress the file again" });
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}

/** What a decoder makes of a stream, which is closed however that ends. */
export async function* decoded(
  stream: ByteStream,
  decode: (stream: ByteStream) => AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* decode(stream);
  } finally {
    await stream.close();
  }
}
