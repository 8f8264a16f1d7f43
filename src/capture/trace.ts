// Hashing live memory straight to a trace, so that no content of it comes to a disk.

import { chmodSync } from "node:fs";
import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { ExtentList } from "../dumps/extents.js";
import { layOut } from "../dumps/layout.js";
import { writeTraces } from "../fingerprints/write-traces.js";
import type { TraceKey } from "../traces/key.js";
import { VERSION } from "../version.js";
import type { Place, Written } from "./elf-write.js";
import type { Area, LiveMemory } from "./live-memory.js";
import type { ProcessMemory } from "./process-memory.js";

export class Tracer {
  private readonly hasher: Hasher;

  constructor(
    pageSizes: readonly number[],
    private readonly key: TraceKey | undefined,
  ) {
    this.hasher = new Hasher(compileCore(), pageSizes);
  }

  /** Of memory that does not change meanwhile. */
  async write(
    { memory, addressSpace, areas, extents: resident }: LiveMemory,
    { member, timeS, shownAs }: { member: string; timeS: number; shownAs: string },
    place: Place,
    onBytes: (bytes: number) => void,
  ): Promise<Written> {
    const { extents, unreadBytes } = readableOf(resident, areas, memory);
    const plan = { addressSpace, extents, span: areas, wins: "first", isX86: false, notes: [] } as const;
    const layout = await layOut({ ...plan, notes: [] }, { outside: [], keep: undefined });
    const opened = {
      name: { path: shownAs },
      format: "live",
      recognizedBy: "contents",
      compression: "none",
      fileBytes: Number.MAX_SAFE_INTEGER,
      fd: memory.fd,
      layout: { ...layout, isLive: true },
    } as const;
    const tasks = [{ source: 0, opened, member, timeS, fileName: place.shownAs, place }];
    const written = { storedBytes: 0, unreadBytes };
    const count = (more: number) => {
      written.storedBytes += more;
      onBytes(more);
    };
    const settings = { hasher: this.hasher, key: this.key, version: VERSION, onBytes: count };
    await writeTraces(() => tasks.pop(), settings);
    chmodSync(place.path, 0o600);
    return written;
  }
}

/** What can be read: memory of devices and secret memory (memfd_secret) cannot, though it is resident. Areas are so as a whole. */
function readableOf(
  resident: ExtentList,
  areas: readonly Area[],
  memory: ProcessMemory,
): { extents: ExtentList; unreadBytes: number } {
  const { offsets } = resident.arrays();
  const page = new Uint8Array(memory.pageBytes);
  const extents = new ExtentList();
  let unreadBytes = 0;
  let next = 0;
  for (const { address, bytes } of areas) {
    const isReadable = next < resident.count && memory.read(page, offsets[next]) > 0;
    for (; next < resident.count && resident.address(next) < address + bytes; next++) {
      if (isReadable) extents.addStored(resident.address(next), resident.bytes(next), offsets[next]);
      else unreadBytes += resident.bytes(next);
    }
  }
  return { extents, unreadBytes };
}
