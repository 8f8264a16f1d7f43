// Raw dumps (QMP pmemsave, resident-page dumps, .vmem): byte n of the file is physical address n. Holes of a sparse file read
// as zeros and count as stored zero.

import { ExtentList } from "../extents.js";
import type { DumpFormat } from "./format.js";

export const raw: DumpFormat = {
  name: "raw",
  // Nothing tells a raw dump from any other bytes: it is what is left.
  probe: () => true,
  async plan(file) {
    const extents = new ExtentList();
    extents.addStored(0, file.bytes, 0);
    return { addressSpace: "physical", extents, wins: "first", notes: [] };
  },
};
