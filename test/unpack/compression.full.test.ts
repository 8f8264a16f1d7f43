// Large packed dumps, and zeros behind packed ones, however they come.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { CONTAINERS, mixedDump, SMALL } from "../support/containers.js";
import { test } from "../support/folder.js";
import { expectUnpacked, tablesOf } from "../support/packed.js";
import { succeed } from "../support/pagekin.js";
import { because } from "../support/tools.js";

describe.each(CONTAINERS)("$name", ({ name, fixture, installed }) => {
  test("zeros behind the end are read, and noted", async ({ folder }) => {
    const plain = await tablesOf(folder, SMALL);
    // xz's own padding is of whole groups of four.
    for (const zeros of [4, 512, 3_000_000]) {
      const padded = Buffer.concat([fixture, Buffer.alloc(zeros)]);
      for (const how of ["file", "pipe", "verify"] as const)
        expect((await tablesOf(folder, padded, how)).tables).toEqual(plain.tables);
      const note = `${zeros} zero bytes follow the end of the ${name} stream`;
      writeFileSync(path.join(folder, "padded"), padded);
      for (const command of [["inspect"], ["analyze", "--out", "noted", "--force"], ["fingerprint", "--out", "traces"]])
        expect(await succeed([...command, "padded"], { cwd: folder })).toContain(note);
      // In another container.
      writeFileSync(path.join(folder, "within"), gzipSync(padded, { level: 1 }));
      expect(await succeed(["inspect", "within"], { cwd: folder })).toContain(note);
    }
  });

  test.skipIf(!installed)(
    `a larger dump made by its tool, also in a container of each kind, gives its tables${because(installed, `${name} is not installed`)}`,
    ({ folder }) => expectUnpacked(folder, name, mixedDump(6 << 20)),
  );
});
