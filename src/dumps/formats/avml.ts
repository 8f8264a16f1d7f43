// AVML (microsoft/avml): ranges in framed snappy. What it writes uncompressed is LiME.

import type { DumpFormat } from "./format.js";
import { kindAtHead } from "./range-header.js";
import { planRanges } from "./range-walk.js";

export const avml: DumpFormat = {
  name: "avml",
  probe: (head) => kindAtHead(head) === "avml",
  plan: planRanges,
};
