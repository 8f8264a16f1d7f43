// QEMU's migration stream (`migrate exec:cat>FILE`, `virsh dump`): records of pages, in the order in which they were sent.

import type { DumpFile } from "../dump-file.js";
import type { DumpFormat, DumpPlan, PlanSettings } from "./format.js";
import { findEnd } from "./migration/end.js";
import { planPages } from "./migration/pages.js";
import { MigrationStream } from "./migration/stream.js";
import { walkSections } from "./migration/walk.js";

export const qemuMigration: DumpFormat = {
  name: "qemu-migration",
  probe: (head) => head.toString("latin1", 0, 4) === "QEVM",
  plan,
};

async function plan(file: DumpFile, settings: PlanSettings): Promise<DumpPlan> {
  const walked = await walkSections(new MigrationStream(file));
  const end = walked.cut ? {} : await findEnd(file, walked.end, walked.footers);
  const cut = walked.cut ?? end.cut;
  if (cut && !settings.allowTruncated) throw file.cut(cut.offset, cut.what);
  return planPages(file, walked, end);
}
