import { Instance } from "./module.js";

/** Two page buffers and their comparison. */
export class PageBuffers {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  private readonly instance: Instance;
  private readonly at: { a: number; b: number };

  /** pageBytes: of the largest page. */
  constructor(module: WebAssembly.Module, pageBytes: number) {
    this.instance = new Instance(module);
    this.at = { a: this.instance.reserve(pageBytes), b: this.instance.reserve(pageBytes) };
    this.a = this.instance.bytes(this.at.a, pageBytes);
    this.b = this.instance.bytes(this.at.b, pageBytes);
  }

  /** Whether the first `bytes` of both are equal. */
  areEqual(bytes: number): boolean {
    return this.instance.exports.isEqual(this.at.a, this.at.b, bytes) !== 0;
  }
}
