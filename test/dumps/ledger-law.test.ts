// A law of all formats: what is counted, outside RAM and a tail is all that a dump holds, whatever is left out.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { SUBJECTS } from "../fuzz/subjects.js";
import { test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";

interface Inspected {
  pages: number;
  zero_pages: number;
  ledger: Record<string, number>;
}

const SAID = {
  absent_bytes: /Not counted.* absent/,
  outside_ram_bytes: /Not counted.* outside RAM/,
  repeated_bytes: /Not counted.* repeated/,
  tail_bytes: /Not counted.* tail/,
};

test.for(SUBJECTS)(
  "$name: every byte is in the ledger once, and named in the summary",
  async ({ bases }, { folder }) => {
    let read = 0;
    for (const { bytes, resident } of bases()) {
      writeFileSync(path.join(folder, "vm"), bytes);
      if (resident) writeFileSync(path.join(folder, "map"), resident);
      const how = resident ? ["--resident", "map"] : [];
      const inspect = async (ranges: string): Promise<Inspected> =>
        JSON.parse(await succeed(["inspect", "vm", "--json", "--ranges", ranges, ...how], { cwd: folder }));
      const first = await pagekin(["inspect", "vm", "--json", ...how], { cwd: folder });
      // Some parts of a split dump, and firmware alone, have no page that counts.
      if (first.code === 2) continue;
      read++;
      const [ram, all] = [await inspect("ram"), await inspect("all")];
      for (const { pages, zero_pages, ledger } of [ram, all]) {
        const { nonzero_bytes, stored_zero_bytes, elided_zero_bytes } = ledger;
        expect(nonzero_bytes + stored_zero_bytes + elided_zero_bytes).toBe(pages * 4096);
        expect(stored_zero_bytes + elided_zero_bytes).toBe(zero_pages * 4096);
      }
      const held = ({ ledger }: Inspected) => {
        const { repeated_bytes: _, absent_bytes: __, ...once } = ledger;
        return Object.values(once).reduce((sum, part) => sum + part, 0);
      };
      expect(held(ram)).toBe(held(all));
      // Between RAM and a device far above it nothing is missing.
      expect(ram.ledger.absent_bytes).toBeLessThanOrEqual(all.ledger.absent_bytes);
      const summary = await succeed(["analyze", "vm", "--out", "out", "--force", ...how], { cwd: folder });
      for (const [column, says] of Object.entries(SAID))
        expect({ column, said: says.test(summary) }).toEqual({ column, said: ram.ledger[column] > 0 });
    }
    expect(read).toBeGreaterThan(0);
  },
);
