import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { limeFile } from "../support/dumps/lime.js";
import { filled, stream } from "../support/dumps/migration.js";
import { saved } from "../support/dumps/virsh.js";
import { test } from "../support/folder.js";
import { succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";

const DUMP = dumpOf([TINY, 0, 0, TINY + 1, TINY]);
const VERSION = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;

const manifestIn = (folder: string) => JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("says how the results were made, from what, and which files they are", async ({ folder }) => {
  const file = path.join(folder, "vm@15.raw");
  writeFileSync(file, DUMP);
  const out = path.join(folder, "out");
  const args = ["analyze", file, "--page-size", "4k,1k", "--out", out, "--workers", "2", "--verify", "--quiet"];
  await succeed(args);
  const manifest = manifestIn(out);
  expect(manifest).toMatchObject({
    pagekin: VERSION,
    command: ["pagekin", ...args],
    options: { "page-size": [1024, 4096], workers: 2, verify: true, pairs: "largest", "hash-sources": false, out },
    machine: { platform: platform(), arch: arch(), node: process.version },
  });
  expect(manifest.sources).toEqual([
    {
      source: file,
      member: "vm",
      time_s: 15,
      format: "raw",
      detected_by: "no known signature",
      compression: "none",
      bytes: DUMP.length,
      notes: [expect.stringContaining(`${DUMP.length} bytes, is not a multiple of`)],
    },
  ]);
  expect(manifest.files.toSorted()).toEqual(readdirSync(out).sort());
  expect(manifest.duration_s).toBeGreaterThanOrEqual(0);
  expect(Math.abs(Date.now() - Date.parse(manifest.finished))).toBeLessThan(600_000);
});

test("size and SHA-256 of a packed dump of any format are those of the file", async ({ folder }) => {
  const lime = limeFile([0x1000, DUMP]);
  const files: Record<string, Buffer> = {
    "a.lime": lime,
    "b.lime.gz": gzipSync(lime),
    "c.raw.gz": gzipSync(DUMP),
    "d.save": saved({
      stream: gzipSync(stream("pc-q35-7.2", { "pc.ram": 4096 }, [filled(0, 1, "pc.ram")])),
      packedAs: 1,
    }),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  const args = ["analyze", ...Object.keys(files), "e=-", "--page-size", "1k", "--hash-sources", "--quiet"];
  await succeed(args, { cwd: folder, input: gzipSync(lime) });
  const { sources } = manifestIn(path.join(folder, "pagekin-out", "analyze"));
  const said = sources.map(({ source, bytes, sha256 }: Record<string, unknown>) => ({ source, bytes, sha256 }));
  expect(said).toEqual([
    ...Object.entries(files).map(([source, bytes]) => ({ source, bytes: bytes.length, sha256: sha256(bytes) })),
    { source: "standard input", bytes: null },
  ]);
});

test("--hash-sources notes the SHA-256 of the files as they lie there", async ({ folder }) => {
  const gzip = gzipSync(DUMP);
  const plain = path.join(folder, "a.raw");
  const compressed = path.join(folder, "b.raw.gz");
  const traces = path.join(folder, "traces");
  writeFileSync(plain, DUMP);
  writeFileSync(compressed, gzip);
  await succeed(["fingerprint", plain, "--hash-sources", "--out", traces, "--quiet"]);
  const trace = path.join(traces, "a.parquet");
  const out = path.join(folder, "out");
  await succeed(["analyze", plain, compressed, `c=${trace}`, "d=-", "--hash-sources", "--out", out, "--quiet"], {
    input: DUMP,
  });

  expect(manifestIn(traces).sources.map((source: { sha256: string }) => source.sha256)).toEqual([sha256(DUMP)]);
  const { sources } = manifestIn(out);
  expect(sources.map((source: { sha256?: string }) => source.sha256)).toEqual([
    sha256(DUMP),
    sha256(gzip),
    sha256(readFileSync(trace)),
    undefined,
  ]);
  expect(sources.map(({ format, compression }: Record<string, string>) => `${format} ${compression}`)).toEqual([
    "raw none",
    "raw gzip",
    "parquet none",
    "raw none",
  ]);
});
