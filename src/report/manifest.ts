import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import type { Resources } from "../fingerprints/resources.js";
import type { World } from "../fingerprints/worlds.js";
import { displayName } from "../sources/open.js";
import { VERSION } from "../version.js";
import type { Output } from "./output.js";

interface Run {
  args: { hashSources: boolean } & Record<string, unknown>;
  worlds: readonly World[];
  pageSizes: readonly number[];
  resources: Resources;
  seconds: number;
}

/** Finishes the result folder with manifest.json: how the results were made, from what, on what. Gives the files' names. */
export async function writeManifest(
  output: Output,
  { args, worlds, pageSizes, resources, seconds }: Run,
): Promise<string[]> {
  const sources = [];
  for (const { opened, member, timeS } of worlds.flatMap(({ snapshots }) => snapshots)) {
    // What came through a pipe is not there to be read again.
    const readable = args.hashSources && !opened.pipe && opened.fd === undefined;
    sources.push({
      source: displayName(opened.name),
      member,
      time_s: timeS,
      format: opened.format,
      compression: opened.compression,
      // What came through a pipe is in the ledger.
      bytes: opened.pipe ? null : opened.fileBytes,
      ...(readable ? { sha256: await sha256(opened.name.path) } : {}),
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
  { workers, memory }: Resources,
): Record<string, unknown> {
  const named = Object.entries(args).filter(([name]) => !/[A-Z_$]/.test(name) && name !== "sources");
  return { ...Object.fromEntries(named), "page-size": pageSizes, workers, "max-memory": memory };
}

async function sha256(file: string): Promise<string> {
  const [{ createHash }, { createReadStream }] = await Promise.all([import("node:crypto"), import("node:fs")]);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}
