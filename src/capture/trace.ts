// Hashing live memory straight to a trace, so that no content of it comes to a disk.

import { chmodSync } from "node:fs";
import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { writeTraces } from "../fingerprints/traces.js";
import { layOut } from "../sources/layout.js";
import type { TraceKey } from "../tracefile/key.js";
import { VERSION } from "../version.js";
import type { Place } from "./elf-write.js";
import type { LiveMemory } from "./live-memory.js";

export class Tracer {
  private readonly hasher: Hasher;

  constructor(
    pageSizes: readonly number[],
    private readonly key: TraceKey | undefined,
  ) {
    this.hasher = new Hasher(compileCore(), pageSizes);
  }

  /** The answer is the bytes of memory that were hashed. */
  async write(
    { memory, addressSpace, areas, extents }: LiveMemory,
    { member, timeS, shownAs }: { member: string; timeS: number; shownAs: string },
    place: Place,
    onBytes: (bytes: number) => void,
  ): Promise<number> {
    const plan = { addressSpace, extents, span: areas, wins: "first", isX86: false, notes: [] } as const;
    const layout = await layOut({ ...plan, notes: [] }, { outside: [], keep: undefined });
    const opened = {
      name: { path: shownAs },
      format: "live",
      compression: "none",
      fileBytes: Number.MAX_SAFE_INTEGER,
      fd: memory.fd,
      layout: { ...layout, isLive: true },
    } as const;
    const tasks = [{ source: 0, opened, member, timeS, fileName: place.shownAs, place }];
    let bytes = 0;
    const count = (more: number) => {
      bytes += more;
      onBytes(more);
    };
    const settings = { hasher: this.hasher, key: this.key, version: VERSION, onBytes: count };
    await writeTraces(() => tasks.pop(), settings);
    chmodSync(place.path, 0o600);
    return bytes;
  }
}
