import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { elfCore, qemuNote, registersNote } from "../support/dumps/elf.js";
import { kdumpOf } from "../support/dumps/kdump.js";
import { limeFile } from "../support/dumps/lime.js";
import { head, list, page, ramSections, stream, tail } from "../support/dumps/migration.js";
import { xenCore } from "../support/dumps/xen.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";

test("what a dump does not tell is left out, not undefined", async ({ folder }) => {
  const files = {
    // A process without names, a machine, a stream without a machine's name, a kdump.
    process: elfCore({ notes: [registersNote()], loads: [{ vaddr: 0x1000, bytes: randomBytes(4096, 1) }] }),
    machine: elfCore({ notes: [qemuNote()], loads: [{ bytes: randomBytes(4096, 1) }] }),
    stream: Buffer.concat([
      head(undefined),
      ramSections([list({ "pc.ram": 4096 })], [page(0, randomBytes(4096, 1), "pc.ram")], []),
      tail(),
    ]),
    kdump: kdumpOf({ pages: { 0: randomBytes(4096, 1) } }),
    xen: xenCore({ pages: [{ number: 0, bytes: randomBytes(4096, 1) }] }),
    raw: randomBytes(8192, 1),
    lime: limeFile([0x1000, randomBytes(4096, 1)]),
    "trace.csv": Buffer.from("page_bytes,page,fingerprint\n4096,0,00\n"),
  };
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), bytes);
    expect(await succeed(["inspect", name], { cwd: folder })).not.toMatch(/undefined|null|NaN|\[object/);
    expect(await succeed(["inspect", name, "--json"], { cwd: folder })).not.toMatch(/undefined|NaN|\[object/);
  }
});

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
