// The footer of a section that is not understood: its type and the section's number, and then something that can follow.

import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { type OtherSection, SECTION } from "./sections.js";

const FOOTER_BYTES = 5;
/** A section's header with the longest name. */
const HEADER_BYTES = 1 + 4 + 1 + 255 + 8;
const WINDOW_BYTES = 256 * 1024;

export class FooterSearch {
  /** Bytes that were looked at, some of them again and again. */
  searched = 0;
  private readonly window = Buffer.allocUnsafe(WINDOW_BYTES);
  private from = 0;
  private held = 0;

  constructor(private readonly file: DumpFile) {}

  /** Where a footer of a section is over, the first one from an offset on that something behind it speaks for. */
  async find(
    { id }: OtherSection,
    from: number,
    canFollow: (bytes: Buffer, offset: number) => boolean,
  ): Promise<number | undefined> {
    const footer = Buffer.alloc(FOOTER_BYTES, SECTION.footer);
    footer.writeUInt32BE(id, 1);
    for (let at = from; at + FOOTER_BYTES <= this.file.bytes; ) {
      const found = this.view(at, FOOTER_BYTES).indexOf(footer);
      if (found < 0) {
        const next = this.from + this.held - FOOTER_BYTES + 1;
        this.searched += next - at;
        at = next;
        await breathe();
        continue;
      }
      this.searched += found + 1;
      at += found + 1;
      const end = at - 1 + FOOTER_BYTES;
      if (canFollow(this.view(end, Math.min(HEADER_BYTES, this.file.bytes - end)), end)) return end;
    }
    return undefined;
  }

  /** What the window has from an offset on, at least so many bytes. */
  private view(offset: number, bytes: number): Buffer {
    if (offset < this.from || offset + bytes > this.from + this.held) {
      this.from = offset;
      this.held = Math.min(WINDOW_BYTES, this.file.bytes - offset);
      this.file.readInto(this.window.subarray(0, this.held), offset);
    }
    return this.window.subarray(offset - this.from, this.held);
  }
}
