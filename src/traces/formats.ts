// The formats of traces: a line each. Their readers are loaded for such sources only.

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

const LOADERS: Record<string, () => Promise<TraceFormat>> = {
  parquet: async () => (await import("./parquet-read.js")).parquetTraces,
  csv: async () => (await import("./csv.js")).csvTraces,
};

export const traceFormatOf = ({ format }: Source): Promise<TraceFormat> => LOADERS[format]();
