// Hashing live memory straight to a trace, so that no content of it comes to a disk.

import { chmodSync } from "node:fs";
import { Hasher } from "../core/hasher.js";
import { compileCore } from "../core/module.js";
import { ExtentList } from "../dumps/extents.js";
import { layOut } from "../dumps/layout.js";
import type { Memory } from "../dumps/memory.js";
import { writeTrace } from "../fingerprints/write-traces.js";
import type { TraceKey } from "../traces/key.js";
import { VERSION } from "../version.js";
import type { Place, Written } from "./elf-write.js";
import type { Area, LiveMemory } from "./live-memory.js";
import type { ProcessMemory } from "./process-memory.js";

export class LiveTraceWriter {
  private readonly hasher: Hasher;

  constructor(
    pageSizes: readonly number[],
    private readonly key: TraceKey | undefined,
  ) {
    this.hasher = new Hasher(compileCore(), pageSizes);
  }

  /** Of memory that does not change meanwhile. */
  async write(
    live: LiveMemory,
    { member, timeS, shownAs }: { member: string; timeS: number; shownAs: string },
    place: Place,
    onBytes: (bytes: number) => void,
  ): Promise<Written> {
    const { addressSpace, areas } = live;
    const { extents, unreadBytes } = readableOf(live.extents, areas, live.memory);
    const plan = { addressSpace, extents, span: areas, wins: "first", notes: [] } as const;
    const layout = await layOut({ ...plan, notes: [] }, { outside: [], keep: undefined });
    const memory: Memory = {
      layout: { ...layout, isLive: true },
      files: [{ at: live.memory.fd, start: 0, bytes: Number.MAX_SAFE_INTEGER, shownAs }],
    };
    const written = { storedBytes: 0, unreadBytes };
    const count = (more: number) => {
      written.storedBytes += more;
      onBytes(more);
    };
    const source = { input: { memory }, member, timeS, notes: [], fileNotes: [], place, shownAs };
    await writeTrace(source, { hasher: this.hasher, key: this.key, version: VERSION, onBytes: count });
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
