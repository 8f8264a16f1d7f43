import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { MOST_MS } from "./time-limit.js";

const READER = fileURLToPath(new URL("read-damaged.mjs", import.meta.url));
const run = promisify(execFile);

/** Reads damaged forms of a file, which must end in time and in no other way than bad input does; counts them. */
export async function readDamaged(
  kind: "spectrum" | "trace",
  folder: string,
  from: string,
  how: "cut" | "bits" | "bytes",
): Promise<{ forms: number; read: number }> {
  const damaged = path.join(folder, "damaged.parquet");
  try {
    const args = ["--max-old-space-size=1024", READER, kind, from, damaged, how];
    const { stdout } = await run(process.execPath, args, { timeout: MOST_MS / 2, killSignal: "SIGKILL" });
    const { wrong, ...counts } = JSON.parse(stdout);
    expect(wrong).toEqual([]);
    return counts;
  } catch (error) {
    if (!(error as { killed?: boolean }).killed) throw error;
    const [before, after] = [readFileSync(from), readFileSync(damaged)];
    const place = before.findIndex((byte, i) => byte !== after[i]);
    throw new Error(`no end of reading where byte ${place} is ${after[place]}, not ${before[place]}`);
  }
}
