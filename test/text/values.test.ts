// A size or a time is the same text on the command line and in a scenario, and means the same: what its digits say.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { PagekinError, replay } from "pagekin";
import { expect } from "vitest";
import { cases } from "../support/cases.js";
import { inFolder, test } from "../support/folder.js";
import { type Ended, pagekin } from "../support/pagekin.js";
import { because } from "../support/tools.js";

const PAGE_BYTES = 4096;
/** One page. */
const TRACE = `page_bytes,page,fingerprint\n${PAGE_BYTES},0,${"1".repeat(32)}\n`;
const UNIT_MS = { ms: 1n, s: 1000n, m: 60_000n, h: 3_600_000n, "": 1000n };

/** What a text comes to: a number, or why it is none that can be used. */
type Meaning = number | "refused" | "too little";

interface Written {
  text: string;
  /** Bytes or nanoseconds; undefined where that is no whole number. */
  value: bigint | undefined;
}

/** Digits with eighths behind the point, which are exact in binary: 12, 12.5, 012.375. Never 0. */
const digits = fc
  .tuple(fc.constantFrom("", "0"), fc.nat(999), fc.constantFrom("", ".0", ".125", ".25", ".375", ".50", ".875"))
  .map(([zeros, whole, fraction]) => ({
    text: `${zeros}${whole}${fraction}`,
    eighths: BigInt(whole) * 8n + BigInt(Number(`0${fraction}`) * 8),
  }))
  .filter(({ eighths }) => eighths > 0n);

const edge = fc.constantFrom("", "", " ", "\t");

const size: fc.Arbitrary<Written> = fc
  .record({
    digits,
    gap: fc.constantFrom("", "", " ", "  "),
    unit: fc.constantFrom("", ..."kmgtKMGT"),
    suffix: fc.constantFrom("", "b", "B", "iB", "ib"),
    edge,
  })
  .map(({ digits: { text, eighths }, gap, unit, suffix, edge }) => {
    // Of bytes themselves there is no binary kind.
    const end = unit === "" ? suffix.replace("i", "") : suffix;
    const bytes = eighths * 1024n ** BigInt(" kmgt".indexOf(unit.toLowerCase() || " "));
    return { text: `${edge}${text}${gap}${unit}${end}${edge}`, value: bytes % 8n === 0n ? bytes / 8n : undefined };
  });

const time: fc.Arbitrary<Written> = fc
  .record({ digits, unit: fc.constantFrom("ms", "s", "m", "h", ""), edge })
  .map(({ digits: { text, eighths }, unit, edge }) => ({
    text: `${edge}${text}${unit}${edge}`,
    value: (eighths * UNIT_MS[unit] * 1_000_000n) / 8n,
  }));

/** Neither a size nor a time. */
const neither: fc.Arbitrary<Written> = fc
  .constantFrom(
    ...["much", "-5m", "+5m", "1e3", "1e-7", "0x10", ".5m", "5.m", "1,5m", "1_000", "5mm", "5p", "5kk", "\uff15m"],
    ...["m", "5 m b s", "64MiBs", "Infinity", "NaN", "1:30", "5m 30s", "5.5.5m", "99999999999999999999"],
  )
  .map((text) => ({ text, value: undefined }));

type Run = Awaited<ReturnType<typeof replay>>[number];

async function inScenario(scenario: string): Promise<Run | "refused"> {
  return inFolder(async (folder) => {
    writeFileSync(path.join(folder, "a.csv"), TRACE);
    const file = path.join(folder, "main.yaml");
    writeFileSync(file, `sources: [a=a.csv]\nscanner: {sleep_millisecs: 1000000000}\n${scenario}`);
    try {
      return (await replay(file))[0];
    } catch (error) {
      if (!(error instanceof PagekinError)) throw error;
      expect(error.line).toMatch(/main\.yaml: line 3, column \d+: [\w.]+: a (size|time)[^;]* is expected/);
      return "refused";
    }
  });
}

/** What else takes the host's memory, as YAML has it; one page is the member's. */
async function sizeInScenario(other: string): Promise<Meaning> {
  const run = await inScenario(`host: {memory: 1t, other: ${other}}\nuntil: 0\n`);
  return run === "refused" ? run : (run.samples[0].usedBytes ?? 0) - PAGE_BYTES;
}

/** When the only sample after the first one is taken. */
async function timeInScenario(until: string): Promise<Meaning> {
  const run = await inScenario(`until: ${until}\nsample: ${until}\n`);
  if (run === "refused") return run;
  expect(run.samples.map(({ ns }) => ns > 0)).toEqual([false, true]);
  return run.samples[1].ns;
}

/** Why the command line refuses a size or a time. */
function whyRefused({ code, stdout, stderr }: Ended): Meaning {
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  const why = /^pagekin: --[\w-]+ [^\n]*(is not a size|is not a time|is too small|is too short); [^\n]+\n$/.exec(
    stderr,
  )?.[1];
  expect(why, stderr).toBeDefined();
  return why?.startsWith("is too") ? "too little" : "refused";
}

/** What the index may take; the manifest has it in bytes. */
async function sizeOnCommandLine(text: string): Promise<Meaning> {
  return inFolder(async (folder) => {
    writeFileSync(path.join(folder, "a.csv"), TRACE);
    const end = await pagekin(["analyze", "a.csv", `--max-memory=${text}`, "--quiet", "--out", "out"], { cwd: folder });
    if (end.code !== 0) return whyRefused(end);
    return JSON.parse(readFileSync(path.join(folder, "out/manifest.json"), "utf8")).options["max-memory"];
  });
}

/** The seconds between snapshots of which there is one. */
async function timeOnCommandLine(text: string, pid: number): Promise<Meaning> {
  return inFolder(async (folder) => {
    const args = ["capture", "process", `a=${pid}`, `--every=${text}`, "--for=0", "--quiet", "--out=out"];
    const end = await pagekin(args, { cwd: folder });
    if (end.code !== 0) return whyRefused(end);
    return JSON.parse(readFileSync(path.join(folder, "out/capture.json"), "utf8")).settings.everyS;
  });
}

test("a size is the same on the command line and in a scenario", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: size }, neither), async ({ text, value }) => {
      const [onCommandLine, scenario] = await Promise.all([
        sizeOnCommandLine(text),
        sizeInScenario(JSON.stringify(text)),
      ]);
      expect(scenario).toBe(value === undefined ? "refused" : Number(value));
      // The index needs a MiB.
      expect(onCommandLine).toBe(value !== undefined && value < 1024n ** 2n ? "too little" : scenario);
    }),
    { numRuns: cases(25) },
  );
});

const isLinux = process.platform === "linux";
const skipped = because(isLinux, "capture works on Linux only");
test.skipIf(!isLinux)(`a time is the same on the command line and in a scenario${skipped}`, async () => {
  const child = spawn("sleep", ["1000"]);
  try {
    await once(child, "spawn");
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: time }, neither), async ({ text, value }) => {
        const [onCommandLine, scenario] = await Promise.all([
          timeOnCommandLine(text, child.pid as number),
          timeInScenario(JSON.stringify(text)),
        ]);
        expect(scenario).toBe(value === undefined ? "refused" : Number(value));
        // Snapshots are a whole number of milliseconds apart.
        const milliseconds = value === undefined ? undefined : (value + 500_000n) / 1_000_000n;
        const expected = milliseconds === undefined ? "refused" : Number(milliseconds) / 1000;
        expect(onCommandLine).toBe(expected === 0 ? "too little" : expected);
      }),
      { numRuns: cases(25) },
    );
  } finally {
    child.kill("SIGKILL");
  }
});

test.for([
  ["64MiB", 2 ** 26],
  ["64 mib", 2 ** 26],
  ["64M", 2 ** 26],
  ["65536kB", 2 ** 26],
  ["0.0625g", 2 ** 26],
  ["67108864b", 2 ** 26],
  ["67108864", 2 ** 26],
  ["6.7108864e7", 2 ** 26],
  ["64Mi", "refused"],
  ["0.1k", "refused"],
] as const)("%s in YAML", async ([text, bytes]) => {
  expect(await sizeInScenario(text)).toBe(bytes);
});
