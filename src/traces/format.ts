// What every format of traces is: a file beside this one, and a line in registry.ts.

import type { Source } from "../sources/source.js";
import type { TraceHead, TraceRows } from "./rows.js";

export interface TraceFormat {
  /** Whether fingerprints are those of other tools, which say nothing of how they are spread. */
  isForeign: boolean;
  readHead(source: Source): Promise<TraceHead>;
  /** The rows of some page sizes, in runs of one size. */
  readRows(source: Source, wanted: WantedRows): AsyncGenerator<TraceRows>;
}

export interface WantedRows {
  pageSizes: readonly number[];
  /** With their page numbers. */
  withPages: boolean;
  /** Called with bytes of the source that were read. */
  onBytes(bytes: number): void;
}
