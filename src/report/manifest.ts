import { arch, cpus, platform, release } from "node:os";
import { bytesOfFile, type Source } from "../sources/source.js";
import { refuseChanged } from "../system/inputs.js";
import { usableMemory, usableProcessors } from "../system/machine.js";
import { VERSION } from "../version.js";
import type { Resources } from "../worlds/resources.js";
import type { Output } from "./output.js";
import { type ReadSource, sourceFields } from "./read-sources.js";

interface ManifestFacts {
  /** given: the options as written on the command line, defaults included, by name. */
  args: { hashSources: boolean; given: Readonly<Record<string, unknown>> };
  sources: readonly ReadSource[];
  pageSizes: readonly number[];
  /** Where something was hashed. */
  resources: Resources | undefined;
  seconds: number;
  /** What a person should know besides what is said of each source. */
  notes?: readonly string[];
}

/** Finishes the result folder with manifest.json: how the results were made, from what, on what. Gives the files' names. */
export async function writeManifest(
  output: Output,
  { args, sources: read, pageSizes, resources, seconds, notes = [] }: ManifestFacts,
): Promise<string[]> {
  const sources = [];
  for (const one of read) {
    const { identity, bytes } = one.source;
    sources.push({
      ...sourceFields(one),
      // What came through a pipe is in the ledger, and not there to be read again.
      bytes: identity === undefined ? null : bytes,
      ...(args.hashSources && identity !== undefined ? { sha256: await sha256(one.source) } : {}),
    });
  }
  return output.commit({
    pagekin: VERSION,
    command: ["pagekin", ...process.argv.slice(2)],
    options: optionsInForce(args.given, pageSizes, resources),
    sources,
    ...(notes.length > 0 ? { notes } : {}),
    machine: {
      platform: platform(),
      release: release(),
      arch: arch(),
      cpu: cpus()[0]?.model,
      processors: usableProcessors(),
      memory_bytes: usableMemory(),
      node: process.version,
    },
    finished: new Date().toISOString(),
    duration_s: Number(seconds.toFixed(3)),
  });
}

/** The options by their names on the command line. */
function optionsInForce(
  given: ManifestFacts["args"]["given"],
  pageSizes: readonly number[],
  resources: Resources | undefined,
): Record<string, unknown> {
  const used = resources ? { workers: resources.workers, "max-memory": resources.memory } : {};
  return { ...given, "page-size": pageSizes, ...used };
}

/** Of a split dump: of its parts in a row. */
async function sha256(source: Source): Promise<string> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for (const { at } of source.parts ?? [source]) {
    if (typeof at !== "object" || !("path" in at)) throw new Error("only a file has a hash");
    for await (const chunk of bytesOfFile(at)) hash.update(chunk);
    refuseChanged(at);
  }
  return hash.digest("hex");
}
