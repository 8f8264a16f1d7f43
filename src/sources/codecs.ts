// What decodes the pages of dumps that compress them one by one.

import type { Decode } from "./dump-reader.js";
import type { Code } from "./extents.js";

export const DECODERS: Partial<Record<Code, Decode>> = {};
