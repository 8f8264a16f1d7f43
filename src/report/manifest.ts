import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { displayName, type Opened } from "../sources/open.js";
import { VERSION } from "../version.js";
import type { Resources } from "../worlds/resources.js";
import type { Output } from "./output.js";

/** A source; member and time where it holds one snapshot. */
export interface ManifestSource {
  opened: Opened;
  member?: string;
  timeS?: number;
}

interface Run {
  args: { hashSources: boolean } & Record<string, unknown>;
  sources: readonly ManifestSource[];
  pageSizes: readonly number[];
  /** Where something was hashed. */
  resources: Resources | undefined;
  seconds: number;
}

/** Finishes the result folder with manifest.json: how the results were made, from what, on what. Gives the files' names. */
export async function writeManifest(
  output: Output,
  { args, sources: read, pageSizes, resources, seconds }: Run,
): Promise<string[]> {
  const sources = [];
  for (const { opened, member, timeS } of read) {
    const packing = opened.packing ?? opened;
    const notes = [...(opened.notes ?? []), ...(opened.fileNotes ?? [])];
    sources.push({
      source: displayName(opened.name),
      member: member ?? null,
      time_s: timeS ?? null,
      format: opened.format,
      compression: [packing.compression, packing.inner].filter(Boolean).join("+"),
      ...(notes.length > 0 ? { notes } : {}),
      // What came through a pipe is in the ledger, and not there to be read again.
      bytes: opened.onDisk?.bytes ?? null,
      ...(args.hashSources && opened.onDisk ? { sha256: await sha256(opened.name.path) } : {}),
    });
  }
  return output.commit({
    pagekin: VERSION,
    command: ["pagekin", ...process.argv.slice(2)],
    options: optionsInForce(args, pageSizes, resources),
    sources,
    machine: {
      platform: platform(),
      release: release(),
      arch: arch(),
      cpu: cpus()[0]?.model,
      processors: availableParallelism(),
      memory_bytes: totalmem(),
      node: process.version,
    },
    finished: new Date().toISOString(),
    duration_s: Number(seconds.toFixed(3)),
  });
}

/** The options by their names on the command line. */
function optionsInForce(
  args: Run["args"],
  pageSizes: readonly number[],
  resources: Resources | undefined,
): Record<string, unknown> {
  const named = Object.entries(args).filter(([name]) => !/[A-Z_$]/.test(name) && name !== "sources");
  const used = resources ? { workers: resources.workers, "max-memory": resources.memory } : {};
  return { ...Object.fromEntries(named), "page-size": pageSizes, ...used };
}

async function sha256(file: string): Promise<string> {
  const [{ createHash }, { createReadStream }] = await Promise.all([import("node:crypto"), import("node:fs")]);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}
