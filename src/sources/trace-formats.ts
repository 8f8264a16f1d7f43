/** Formats of traces, as `--format` has them. Their files' names end in the same. */
export const TRACE_FORMATS: readonly string[] = ["parquet", "csv"];
