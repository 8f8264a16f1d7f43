import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { page, stream } from "../support/dumps/migration.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";

test("what a header has of control characters does not reach the terminal", async ({ folder }) => {
  const blocks = { "pc.ram": 4096, "0:1/\x1b[31mred": 4096 };
  writeFileSync(
    path.join(folder, "vm\x1b[2J"),
    stream("pc\x1b[5m\n", blocks, [page(0, randomBytes(4096, 1), "pc.ram")]),
  );
  const said = await succeed(["inspect", "vm\x1b[2J"], { cwd: folder });
  expect(said).toContain("machine: pc\\u001b[5m\\n");
  expect(said).toMatch(/Note: RAM is in 2 blocks: pc\.ram .*, 0:1\/\\u001b\[31mred \(4096 bytes\)/);
  expect(said.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
});
