// zstd's decoder as the wasm that zstddec brings, called as zstd.h of version 1.5 says. zstddec's own loop goes on for ever
// where zstd returns an error, and neither loop nor caller can give back the memory that a stream took which does not end.

import { ZSTDDecoder } from "zstddec/stream";

interface ZstdExports {
  memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  free(at: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
  ZSTD_decompress(target: number, room: number, source: number, bytes: number): number;
  ZSTD_DStreamOutSize(): number;
}

/** Results from this number on, of 32 bits, are errors (ZSTD_error_maxCode in zstd_errors.h). */
const LEAST_ERROR = 2 ** 32 - 120;

let compiled: Promise<WebAssembly.Module> | undefined;

/** zstddec hands what it has compiled and instantiated to `_init`. */
function compileZstd(): Promise<WebAssembly.Module> {
  compiled ??= new Promise((resolve, reject) => {
    class Embedded extends ZSTDDecoder {
      override _init({ module }: WebAssembly.WebAssemblyInstantiatedSource): void {
        resolve(module);
      }
    }
    new Embedded().init().catch(reject);
  });
  return compiled;
}

/** A part of an instance's memory that becomes larger where more is needed. */
class Room {
  at = 0;
  private bytes = 0;

  constructor(private readonly exports: ZstdExports) {}

  reserve(bytes: number): number {
    if (bytes <= this.bytes) return this.at;
    this.free();
    this.at = this.exports.malloc(bytes);
    if (this.at === 0) throw new Error("zstd has no memory left");
    this.bytes = bytes;
    return this.at;
  }

  /** Copies bytes to its beginning. */
  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    new Uint8Array(this.exports.memory.buffer).set(bytes, at);
    return at;
  }

  free(): void {
    this.exports.free(this.at);
    this.at = 0;
    this.bytes = 0;
  }
}

function instantiate(module: WebAssembly.Module): ZstdExports {
  const imports = { env: { emscripten_notify_memory_growth: () => {} } };
  return new WebAssembly.Instance(module, imports).exports as unknown as ZstdExports;
}

/** Decodes single frames whose length is known. */
export class ZstdFrames {
  private readonly source: Room;
  private readonly target: Room;

  private constructor(private readonly exports: ZstdExports) {
    this.source = new Room(exports);
    this.target = new Room(exports);
  }

  static async load(): Promise<ZstdFrames> {
    return new ZstdFrames(instantiate(await compileZstd()));
  }

  /** The bytes of a frame, which the next call overwrites; undefined if it does not hold so many. */
  decode(frame: Uint8Array, bytes: number): Uint8Array | undefined {
    const target = this.target.reserve(bytes);
    const source = this.source.put(frame);
    if (this.exports.ZSTD_decompress(target, bytes, source, frame.length) !== bytes) return undefined;
    return new Uint8Array(this.exports.memory.buffer, target, bytes);
  }
}

/** What ZSTD_decompressStream reads and changes: two buffers, each with its address, size and position (u32). */
const BUFFERS_BYTES = 24;
/** An instance with more memory is not kept for the next stream. */
const MOST_KEPT_BYTES = 32 * 2 ** 20;

/** An instance that no stream uses. */
let idle: ZstdExports | undefined;

/** Decodes a stream of frames, part after part. */
export class ZstdStream {
  /** Whether all frames that have begun have ended. */
  isComplete = true;
  private readonly context: number;
  private readonly buffers: Room;
  private readonly source: Room;
  private readonly target: Room;
  private readonly room: number;
  /** Whether the instance can be used again: zstd has returned from all calls. */
  private isSound = true;

  private constructor(private readonly exports: ZstdExports) {
    this.buffers = new Room(exports);
    this.source = new Room(exports);
    this.target = new Room(exports);
    this.room = exports.ZSTD_DStreamOutSize();
    this.context = exports.ZSTD_createDCtx();
    if (this.context === 0) throw new Error("zstd has no memory left");
  }

  static async open(): Promise<ZstdStream> {
    const module = await compileZstd();
    const exports = idle ?? instantiate(module);
    idle = undefined;
    return new ZstdStream(exports);
  }

  /** What a part of the stream holds. An error where it is damaged; then nothing more can be decoded. */
  *decode(part: Uint8Array): Generator<Uint8Array> {
    const { exports, room } = this;
    const source = this.source.put(part);
    const target = this.target.reserve(room);
    const buffers = this.buffers.reserve(BUFFERS_BYTES);
    const fields = () => new Uint32Array(exports.memory.buffer, buffers, BUFFERS_BYTES / 4);
    for (let read = 0, written = room; read < part.length || (written === room && !this.isComplete); ) {
      fields().set([target, room, 0, source, part.length, read]);
      this.isSound = false;
      const result = exports.ZSTD_decompressStream(this.context, buffers, buffers + BUFFERS_BYTES / 2) >>> 0;
      this.isSound = true;
      if (result >= LEAST_ERROR) throw new Error(`zstd error ${2 ** 32 - result}`);
      this.isComplete = result === 0;
      [written, read] = [fields()[2], fields()[5]];
      if (written > 0) yield new Uint8Array(exports.memory.buffer, target, written).slice();
    }
  }

  /** Gives the memory of the stream back, also of one that is damaged or not read to its end. */
  close(): void {
    if (!this.isSound) return;
    this.exports.ZSTD_freeDCtx(this.context);
    for (const room of [this.buffers, this.source, this.target]) room.free();
    if (this.exports.memory.buffer.byteLength <= MOST_KEPT_BYTES) idle = this.exports;
  }
}
