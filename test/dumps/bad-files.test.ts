import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { expectRefused, expectSourcesRefused } from "../support/refused.js";
import { rowsOf } from "../support/table.js";
import { because, HAS_ZSTD, IS_ROOT, zstd } from "../support/tools.js";

const GOOD = dumpOf([TINY, 0, TINY + 1, TINY + 2, TINY]);
/** A good dump stands first, so that it is the bad one that is refused. */
const sources = (bad: string) => ["good.raw", bad];

function writeIn(folder: string, files: Record<string, Uint8Array>): void {
  for (const [name, bytes] of Object.entries({ "good.raw": GOOD, ...files }))
    writeFileSync(path.join(folder, name), bytes);
}

describe.each(["analyze", "fingerprint"])("%s refuses", (command) => {
  test("a file that is not there", async ({ folder }) => {
    writeIn(folder, {});
    await expectRefused(folder, [command, "good.raw", "none.raw"], ["none.raw", /no such file/]);
  });

  test("a file with line breaks in its name, in one line", async ({ folder }) => {
    await expectSourcesRefused(folder, ["no\nsuch\tfile"], [/no\\nsuch\\tfile: no such file/]);
  });

  test("an empty file", async ({ folder }) => {
    writeIn(folder, { "bad.raw": new Uint8Array() });
    await expectRefused(folder, [command, "good.raw", "bad.raw"], ["bad.raw", /empty/]);
  });

  test("a folder", async ({ folder }) => {
    writeIn(folder, {});
    mkdirSync(path.join(folder, "bad.raw"));
    await expectRefused(folder, [command, "good.raw", "bad.raw"], ["bad.raw", /is a folder/]);
  });

  test.skipIf(IS_ROOT)(
    `a file that may not be read${because(!IS_ROOT, "root may read everything")}`,
    async ({ folder }) => {
      writeIn(folder, { "bad.raw": GOOD });
      chmodSync(path.join(folder, "bad.raw"), 0);
      await expectRefused(folder, [command, "good.raw", "bad.raw"], ["bad.raw", /permission denied/]);
    },
  );

  test("a path through a file", async ({ folder }) => {
    writeIn(folder, {});
    await expectRefused(folder, [command, "good.raw/inside.raw"], ["good.raw/inside.raw", /not a folder/]);
  });

  test("a dump smaller than every page size asked for", async ({ folder }) => {
    writeIn(folder, { "bad.raw": GOOD.subarray(0, 1023), "small.raw": GOOD.subarray(0, 4095) });
    await expectRefused(folder, [command, "good.raw", "bad.raw"], ["bad.raw", /no complete page/]);
    const sizes = ["--page-size", "4k,16k"];
    await expectRefused(folder, [command, "small.raw", ...sizes], ["small.raw", /no complete page/, "4096"]);
  });

  test("an empty standard input", async ({ folder }) => {
    writeIn(folder, {});
    await expectRefused(folder, [command, "good.raw", "vm=-"], [/standard input/, /empty/]);
  });
});

describe("gzip", () => {
  const GZIP = gzipSync(GOOD);
  const cuts = [2, 5, 10, 18, GZIP.length >> 1, GZIP.length - 9, GZIP.length - 8, GZIP.length - 4, GZIP.length - 1];

  test.for(cuts)(`cut after %i of ${GZIP.length} bytes`, async (length, { folder }) => {
    writeIn(folder, { "bad.raw.gz": GZIP.subarray(0, length) });
    await expectSourcesRefused(folder, sources("bad.raw.gz"), ["bad.raw.gz", /ends early/]);
    await expectRefused(folder, ["fingerprint", "good.raw", "bad.raw.gz"], ["bad.raw.gz", /ends early/]);
  });

  test("with its second member cut", async ({ folder }) => {
    writeIn(folder, { "bad.gz": Buffer.concat([GZIP, GZIP.subarray(0, 100)]) });
    await expectSourcesRefused(folder, sources("bad.gz"), ["bad.gz", /ends early/]);
  });

  test.for([
    ["in the middle", GZIP.length >> 1],
    ["in the checksum", GZIP.length - 6],
    ["in the length", GZIP.length - 2],
  ] as const)("damaged %s", async ([, at], { folder }) => {
    const damaged = Buffer.from(GZIP);
    damaged[at] ^= 0xff;
    writeIn(folder, { "bad.gz": damaged });
    await expectSourcesRefused(folder, sources("bad.gz"), ["bad.gz", /damaged/]);
  });

  test("followed by something else, but not by zeros", async ({ folder }) => {
    writeIn(folder, {
      "bad.gz": Buffer.concat([GZIP, Buffer.from("and more\n")]),
      "padded.gz": Buffer.concat([GZIP, Buffer.alloc(1000)]),
      "zeros-and-more.gz": Buffer.concat([GZIP, Buffer.alloc(1000), GZIP]),
    });
    await expectSourcesRefused(folder, sources("bad.gz"), [
      `bad.gz: at 0x${GZIP.length.toString(16)}: neither another gzip stream nor zero padding`,
      "616e64206d6f7265",
    ]);
    await expectSourcesRefused(folder, sources("zeros-and-more.gz"), [
      `at 0x${(GZIP.length + 1000).toString(16)}: neither another gzip stream`,
      "1f8b08",
    ]);
    await succeed(["analyze", "padded.gz", "--page-size", "1k", "--out", "out", "--quiet"], { cwd: folder });
    expect(rowsOf(path.join(folder, "out"), "self.csv")).toMatchObject([
      { pages: "5", zero_pages: "1", contents: "4" },
    ]);
  });

  test("cut on standard input", async ({ folder }) => {
    writeIn(folder, {});
    await expectRefused(folder, ["analyze", ...sources("vm=-")], [/standard input/, /ends early/], {
      input: GZIP.subarray(0, 500),
    });
  });

  test("of nothing", async ({ folder }) => {
    writeIn(folder, { "bad.gz": gzipSync("") });
    await expectSourcesRefused(folder, sources("bad.gz"), ["bad.gz", /no complete page/]);
  });

  test("of a gzip of a gzip", async ({ folder }) => {
    writeIn(folder, { "bad.gz": gzipSync(gzipSync(GZIP)) });
    await expectSourcesRefused(folder, sources("bad.gz"), ["bad.gz", /three times/]);
  });
});

describe.skipIf(!HAS_ZSTD)(`zstd${because(HAS_ZSTD, "zstd is not installed")}`, () => {
  test.for([[], ["--no-check"]])("cut anywhere (%s)", async (options, { folder }) => {
    const bytes = zstd(GOOD, ...options);
    for (const length of [5, 8, 12, bytes.length >> 1, bytes.length - 5, bytes.length - 1]) {
      writeIn(folder, { "bad.zst": bytes.subarray(0, length) });
      await expectSourcesRefused(folder, sources("bad.zst"), ["bad.zst", /ends early/]);
    }
  });

  test("with its second frame cut, or followed by something else", async ({ folder }) => {
    const bytes = zstd(GOOD);
    writeIn(folder, {
      "cut.zst": Buffer.concat([bytes, bytes.subarray(0, bytes.length - 20)]),
      "more.zst": Buffer.concat([bytes, GOOD.subarray(0, 100)]),
    });
    await expectSourcesRefused(folder, sources("cut.zst"), ["cut.zst", /ends early/]);
    await expectSourcesRefused(folder, sources("more.zst"), [
      `more.zst: at 0x${bytes.length.toString(16)}: neither another zstd frame nor zero padding`,
      GOOD.toString("hex", 0, 4),
    ]);
  });

  test("damaged in the middle, in the checksum", async ({ folder }) => {
    const bytes = zstd(dumpOf([1, 2, 3, 4, 0, 0, 0, TINY, TINY, TINY]), "--check");
    for (const at of [bytes.length >> 1, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 0xff;
      writeIn(folder, { "bad.zst": damaged });
      await expectSourcesRefused(folder, sources("bad.zst"), ["bad.zst", /damaged/]);
    }
  });

  test("cut on standard input", async ({ folder }) => {
    writeIn(folder, {});
    const how = { input: zstd(GOOD).subarray(0, 900), env: { TMPDIR: folder } };
    await expectRefused(folder, ["analyze", ...sources("vm=-")], [/standard input/, /ends early/], how);
  });
});

test("standard input named twice", async ({ folder }) => {
  writeIn(folder, {});
  await expectRefused(folder, ["analyze", "a=-", "b=-"], [/standard input/], { input: GOOD });
});

test("a file that only looks like something by its name is read as what it is", async ({ folder }) => {
  writeIn(folder, { "vm.kdump": GOOD, "vm2.gz": GOOD });
  await succeed(["analyze", "vm.kdump", "vm2.gz", "good.raw", "--out", "out", "--quiet"], { cwd: folder });
  const [self, ledger] = ["self.csv", "ledger.csv"].map((file) => rowsOf(path.join(folder, "out"), file));
  expect(ledger.map(({ member, format }) => [member, format])).toEqual([
    ["vm", "raw"],
    ["vm2", "raw"],
    ["good", "raw"],
  ]);
  expect(self.filter(({ page_bytes }) => page_bytes === "1024").map(({ pages }) => pages)).toEqual(["5", "5", "5"]);
});
