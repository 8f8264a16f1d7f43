// The formats of traces: a line each. Their readers are loaded for such sources only.

import type { Source } from "../sources/source.js";
import type { TraceFormat } from "./format.js";

const LOADERS: Record<string, () => Promise<TraceFormat>> = {
  parquet: async () => (await import("./parquet-read.js")).parquetTraces,
  csv: async () => (await import("./csv.js")).csvTraces,
};

export const traceFormatOf = ({ format }: Source): Promise<TraceFormat> => LOADERS[format]();
