import { DuckDBInstance } from "@duckdb/node-api";

const connection = await (await DuckDBInstance.create()).connect();

/** The rows that DuckDB gives for a statement; counts come as texts of digits. */
export async function query(sql: string): Promise<Record<string, unknown>[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowObjectsJson();
}

/** A text (such as a path) in SQL. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
