// Memory that can be read by address: what a dump that was planned and a live process have in common. It can be sent to threads.

import { decodersFor } from "./codecs.js";
import { DumpFile, type FilePlace } from "./dump-file.js";
import { DumpReader } from "./dump-reader.js";
import type { Layout } from "./layout.js";

export interface Memory {
  /** Which addresses are there, and where in the file. */
  layout: Layout;
  /** The file; of a split dump one for each part. */
  files: readonly FilePlace[];
}

/** A reader of its own for whoever needs one: a thread, a comparison. */
export async function openReader({ layout, files }: Memory): Promise<{ reader: DumpReader; close(): void }> {
  const decoders = await decodersFor(layout.extents);
  const file = new DumpFile(...files);
  return { reader: new DumpReader(file, layout, decoders), close: () => file.close() };
}
