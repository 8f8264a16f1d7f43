import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder, tablesIn, test } from "../support/folder.js";
import { ended, start, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { FIVE_SIZES } from "../support/reference.js";
import { expectSpectrum } from "../support/spectrum.js";
import { expectThree, THREE } from "../support/three.js";
import { because, HAS_ZSTD, run, zstd } from "../support/tools.js";
import { twinTables } from "../support/twin.js";

/** Writes m2 and m3 as files; m1 is to come through a pipe. */
function writeOthers(folder: string): string[] {
  return THREE.slice(1).map(({ name, dump }) => {
    const file = path.join(folder, name);
    writeFileSync(file, dump);
    return file;
  });
}

const FORMS: [form: string, bytes: () => Buffer][] = [
  ["a dump", () => THREE[0].dump],
  ["a gzip of it", () => gzipSync(THREE[0].dump)],
];
const ZSTD_FORMS: [form: string, bytes: () => Buffer][] = [["a zstd of it", () => zstd(THREE[0].dump)]];

describe.each(FORMS)("%s on standard input", (_form, bytes) => {
  test.for([[], ["--verify"], ["--workers", "3"]])("gives the tables of a file (%s)", async (options, { folder }) => {
    const out = path.join(folder, "out");
    const sources = ["m1=-", ...writeOthers(folder)];
    await succeed(["analyze", ...sources, ...options, "--out", out, "--quiet"], { input: bytes() });
    await expectThree(out);
  });
});

describe.skipIf(!HAS_ZSTD).each(ZSTD_FORMS)(
  `%s on standard input${because(HAS_ZSTD, "zstd is not installed")}`,
  (_f, bytes) => {
    test.for([[], ["--verify"]])("gives the tables of a file (%s)", async (options, { folder }) => {
      const out = path.join(folder, "out");
      const sources = ["m1=-", ...writeOthers(folder)];
      await succeed(["analyze", ...sources, ...options, "--out", out, "--quiet"], { input: bytes() });
      await expectThree(out);
    });
  },
);

test("a trace on standard input, and one made from standard input, give the tables of the dump", async ({ folder }) => {
  const [traces, out] = ["traces", "out"].map((name) => path.join(folder, name));
  await succeed(["fingerprint", "m1=-", "--out", traces, "--quiet"], { input: THREE[0].dump });
  const input = readFileSync(path.join(traces, "m1.parquet"));
  await succeed(["analyze", "m1=-", ...writeOthers(folder), "--out", out, "--quiet"], { input });
  await expectThree(out);
});

test("named pipes are read like files", async ({ folder }) => {
  const pipes = THREE.map(({ name, dump }) => {
    const pipe = path.join(folder, name);
    run("mkfifo", pipe);
    createWriteStream(pipe).end(dump);
    return pipe;
  });
  const out = path.join(folder, "out");
  await succeed(["analyze", ...pipes, "--out", out, "--quiet"]);
  await expectThree(out);
});

test("splitting the input into reads at any points changes nothing", async () => {
  const input = fc.tuple(
    fc.array(fc.nat(TINY + 20), { minLength: 1, maxLength: 1500, size: "max" }),
    fc.nat(1023),
    fc.array(fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 200_000 })), { maxLength: 25 }),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(input, ([pieces, tailBytes, lengths, compressed]) =>
      inFolder(async (folder) => {
        const out = path.join(folder, "out");
        const dump = dumpOf(pieces, tailBytes);
        const bytes = compressed ? gzipSync(dump, { level: 1 }) : dump;
        const child = start(["analyze", "vm=-", "--out", out, "--quiet"]);
        const end = ended(child);
        let done = 0;
        for (const length of lengths) {
          child.stdin.write(bytes.subarray(done, done + length));
          done += length;
          // Gives the reader time to take this piece before the next one joins it in the pipe.
          await wait(2);
        }
        child.stdin.end(bytes.subarray(done));
        expect(await end).toEqual({ code: 0, stdout: "", stderr: "" });
        const worlds = [{ timeS: 0, members: [{ name: "vm", dump }] }];
        expect(tablesIn(out)).toEqual(twinTables(worlds, FIVE_SIZES));
        await expectSpectrum(out, worlds, FIVE_SIZES);
      }),
    ),
    { numRuns: cases(12) },
  );
});
