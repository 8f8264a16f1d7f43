// The footer of a section that is not understood: its type and the section's number, and then something that can follow.

import { breathe } from "../../../system/pace.js";
import type { DumpFile } from "../../dump-file.js";
import { FOOTER_BYTES, type OtherSection, SECTION } from "./sections.js";

/** A section's header with the longest name. */
const HEADER_BYTES = 1 + 4 + 1 + 255 + 8;
/** What can come behind a section. */
const CAN_FOLLOW: readonly number[] = [
  SECTION.streamEnd,
  SECTION.start,
  SECTION.part,
  SECTION.end,
  SECTION.full,
  SECTION.command,
];
const WINDOW_BYTES = 256 * 1024;

export class FooterSearch {
  /** Bytes that were looked at, some of them again and again. */
  searched = 0;
  /** From where on a section has no footer at all that anything could follow. */
  private readonly noneFrom = new Map<number, number>();
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
    const { file } = this;
    if (from >= (this.noneFrom.get(id) ?? file.bytes)) return undefined;
    const footer = Buffer.alloc(FOOTER_BYTES, SECTION.footer);
    footer.writeUInt32BE(id, 1);
    let noneFrom = from;
    for (let at = from; at + FOOTER_BYTES <= file.bytes; ) {
      const found = this.view(at, FOOTER_BYTES).indexOf(footer);
      if (found < 0) {
        const next = this.from + this.held - FOOTER_BYTES + 1;
        this.searched += next - at;
        at = next;
        await breathe();
        continue;
      }
      this.searched += found + HEADER_BYTES;
      at += found + 1;
      const end = at - 1 + FOOTER_BYTES;
      const behind = this.view(end, Math.min(HEADER_BYTES, file.bytes - end));
      if (behind.length > 0 && !CAN_FOLLOW.includes(behind[0])) continue;
      if (canFollow(behind, end)) return end;
      noneFrom = at;
    }
    this.noneFrom.set(id, noneFrom);
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
