// Dumps in containers, through the command: the same tables as the dump itself, or a refusal.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { CONTAINERS, mixedDump, pack, SMALL, zstdOfWindow } from "../support/containers.js";
import { limeFile } from "../support/dumps/lime.js";
import { saved } from "../support/dumps/virsh.js";
import { test } from "../support/folder.js";
import { countsOf, expectUnpacked, tablesOf } from "../support/packed.js";
import { succeed } from "../support/pagekin.js";
import { expectRefused, expectSourcesRefused, refusalOf } from "../support/refused.js";
import { rowsOf } from "../support/table.js";
import { because } from "../support/tools.js";

describe.each(CONTAINERS)("$name", ({ name, extension, fixture, signature, installed }) => {
  test("a file, several streams in one, and standard input give the tables of the dump", async ({ folder }) => {
    const plain = await tablesOf(folder, SMALL);
    for (const how of ["file", "pipe", "verify"] as const) expect(await tablesOf(folder, fixture, how)).toEqual(plain);
    const small2 = await tablesOf(folder, Buffer.concat([SMALL, SMALL]));
    expect(await tablesOf(folder, Buffer.concat([fixture, fixture]))).toEqual(small2);
  });

  test("the name of a file is taken without its extensions, and the manifest says how it is packed", async ({
    folder,
  }) => {
    writeFileSync(path.join(folder, `db@15.raw.${extension}`), fixture);
    writeFileSync(path.join(folder, `web@15.raw.${extension}.gz`), gzipSync(fixture));
    const files = [`db@15.raw.${extension}`, `web@15.raw.${extension}.gz`];
    await succeed(["analyze", ...files, "--out", "out", "--quiet"], { cwd: folder });
    expect(rowsOf(path.join(folder, "out"), "self.csv").map(({ member }) => member)).toContain("web");
    const manifest = JSON.parse(readFileSync(path.join(folder, "out", "manifest.json"), "utf8"));
    expect(manifest.sources).toMatchObject([
      { member: "db", time_s: 15, compression: name },
      { member: "web", time_s: 15, compression: `gzip+${name}` },
    ]);
  });

  test("cut anywhere it is refused", async ({ folder }) => {
    const lengths = [signature, signature + 1, fixture.length >> 1, fixture.length - 1, fixture.length + signature];
    for (const length of lengths) {
      writeFileSync(path.join(folder, "bad"), Buffer.concat([fixture, fixture]).subarray(0, length));
      await expectSourcesRefused(folder, ["bad"], ["bad: at 0x", /ends early/]);
    }
    const input = fixture.subarray(0, fixture.length - 3);
    await expectRefused(folder, ["analyze", "vm=-"], ["standard input", /ends early/], { input });
  });

  test("damaged anywhere it is refused or gives the tables of the dump", async ({ folder }) => {
    const plain = await countsOf(folder, SMALL);
    const step = Math.ceil((fixture.length - signature) / 12);
    for (let at = signature; at < fixture.length; at += step) {
      const damaged = Buffer.from(fixture);
      damaged[at] ^= 0x11;
      const refusal = await refusalOf(async () => expect(await countsOf(folder, damaged), `byte ${at}`).toEqual(plain));
      if (refusal) expect(refusal.line).toMatch(/vm: at 0x/);
    }
  });

  // However they come: compression.full.test.ts.
  test("zeros behind the end are read, and noted", async ({ folder }) => {
    const plain = await tablesOf(folder, SMALL);
    // xz's own padding is of whole groups of four.
    for (const [zeros, how] of [
      [4, "verify"],
      [512, "file"],
      [3_000_000, "pipe"],
    ] as const) {
      const padded = Buffer.concat([fixture, Buffer.alloc(zeros)]);
      expect((await tablesOf(folder, padded, how)).tables).toEqual(plain.tables);
      const note = `${zeros} zero bytes follow the end of the ${name} stream`;
      writeFileSync(path.join(folder, "padded"), padded);
      expect(await succeed(["inspect", "padded"], { cwd: folder })).toContain(note);
    }
  });

  test("anything else behind the end is shown", async ({ folder }) => {
    for (const text of ["garbage!", "garbage, and more of it than a header"]) {
      // Behind zeros too little of it is no header of xz's.
      const zeros = name === "xz" && text.length < 12 ? [0] : [0, 8];
      for (const before of zeros) {
        writeFileSync(path.join(folder, "bad"), Buffer.concat([fixture, Buffer.alloc(before), Buffer.from(text)]));
        const place = (fixture.length + before).toString(16);
        const says = [`at 0x${place}: neither another ${name} stream`, "676172626167"];
        await expectSourcesRefused(folder, ["bad"], says);
      }
    }
  });

  test("under two others it is refused", async ({ folder }) => {
    writeFileSync(path.join(folder, "bad"), gzipSync(gzipSync(fixture)));
    await expectSourcesRefused(folder, ["bad"], ["bad", /compressed three times/]);
  });

  describe.skipIf(!installed)(`made by its tool${because(installed, `${name} is not installed`)}`, () => {
    const dump = mixedDump(3 << 19);

    // A larger one: compression.full.test.ts.
    test("a dump, also in a container of each kind, gives its tables", ({ folder }) =>
      expectUnpacked(folder, name, dump));

    test("an inner container that is cut or damaged is refused", async ({ folder }) => {
      const packed = pack(name, dump);
      const damaged = Buffer.from(packed);
      damaged[packed.length >> 1] ^= 1;
      const cut = packed.subarray(0, packed.length - 1);
      for (const [inner, says] of [[cut, "ends early"] as const, [damaged, "is damaged"] as const]) {
        writeFileSync(path.join(folder, "bad"), gzipSync(inner, { level: 1 }));
        await expectSourcesRefused(folder, ["bad"], ["bad (unpacked)", says]);
      }
      writeFileSync(path.join(folder, "bad"), pack(name, packed).subarray(0, -5));
      await expectSourcesRefused(folder, ["bad"], [/bad: at 0x.*ends early/]);
    });

    test("a format inside is seen", async ({ folder }) => {
      const minidump = Buffer.concat([Buffer.from("MDMP\x93\xa7\0\0", "latin1"), dump]);
      for (const bytes of [pack(name, minidump), gzipSync(pack(name, minidump)), pack(name, pack(name, minidump))]) {
        writeFileSync(path.join(folder, "bad"), bytes);
        await expectSourcesRefused(folder, ["bad"], ["bad", /minidump/]);
      }
    });
  });
});

test("what is wrong in a packed dump is said with its offset in what was unpacked", async ({ folder }) => {
  const cut = limeFile([0x1000, SMALL]).subarray(0, -1);
  const stream = Buffer.from("QEVM\0\0\0\x03\xff", "latin1");
  writeFileSync(path.join(folder, "a.lime"), cut);
  writeFileSync(path.join(folder, "a.lime.gz"), gzipSync(cut));
  writeFileSync(path.join(folder, "a.save"), saved({ stream: gzipSync(stream), packedAs: 1 }));
  await expectSourcesRefused(folder, ["a.lime"], ["a.lime: at 0x20: the file ends before"]);
  await expectSourcesRefused(folder, ["a.lime.gz"], ["a.lime.gz (unpacked): at 0x20: the file ends before"]);
  const input = { input: gzipSync(cut) };
  await expectRefused(folder, ["analyze", "vm=-"], ["standard input (unpacked): at 0x20: the file ends"], input);
  await expectRefused(folder, ["analyze", "vm=-"], ["standard input: at 0x20: the file ends before"], { input: cut });
  await expectSourcesRefused(folder, ["a.save"], ["a.save (unpacked): at 0x8: unknown section type 0xff"]);
});

test("many zstd dumps with large windows are read in one run", async ({ folder }) => {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  for (const letter of letters) writeFileSync(path.join(folder, `${letter}.zst`), zstdOfWindow(27, `${letter}z`));
  const files = letters.map((letter) => `${letter}.zst`);
  await succeed(["analyze", ...files, "--page-size", "4k", "--out", "out", "--quiet"], { cwd: folder });
  const rows = rowsOf(path.join(folder, "out"), "self.csv").map((row) => [row.member, row.pages, row.contents]);
  expect(rows).toEqual(letters.map((letter) => [letter, "64", letter === "z" ? "1" : "2"]));
});
