// Addresses have 64 bits and are exact wherever they show: in traces, extents, messages, replays.

import { writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { cases } from "../support/cases.js";
import { collidingKibs } from "../support/collision.js";
import { query, quote } from "../support/duckdb.js";
import { type Core, elfCore, type Load, processNotes, registersNote, vmcoreinfoNote } from "../support/dumps/elf.js";
import { PAGE, page, pages } from "../support/dumps/pages.js";
import { analyzed } from "../support/dumps/run.js";
import { inFolder, test } from "../support/folder.js";
import { pagekin, succeed } from "../support/pagekin.js";
import { fingerprintOf } from "../support/reference.js";
import { expectRefused } from "../support/refused.js";
import { replay } from "../support/scenario.js";

const TOP = 1n << 64n;
const SIZES = [1024, 4096, 16384];
const SPARC64 = 43;

/** Where memory may begin: of processes and kernels of several machines, and at the borders of halves and regions. */
const BASES = [
  ...[0n, 0x400000n, 0x7fff_0000_0000n, 0x7fff_ffff_f000n, 1n << 53n, (1n << 53n) - 4096n, (1n << 48n) - 8192n],
  ...[0x2000_0000_0000_0000n, 0x4000_0000_0000_0000n, 0x6000_0fff_ffff_c000n, (1n << 63n) - 8192n],
  ...[0x9000_0000_0000_0000n, 0xc000_0000_0000_0000n, 0xfff8_0001_0000_0000n, 0xfffe_ffff_ffff_f000n],
  ...[0xffff_8880_0000_0000n, 0xffff_ffff_8100_0000n, TOP - 65536n],
];

/** Stretches of pages by address, which do not overlap. */
const memory = fc
  .uniqueArray(
    fc.record({ base: fc.constantFrom(...BASES), skipped: fc.nat(4), count: fc.integer({ min: 1, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 7,
      selector: ({ base }) => base,
    },
  )
  .map((stretches) =>
    stretches.map(({ base, ...rest }, i) => ({ at: base + BigInt(rest.skipped * PAGE), count: rest.count, i })),
  );

/** The rows of a trace that a core must have: each page size's whole pages, by their numbers. */
function rowsOf(loads: readonly Load[]): string[] {
  const kibs = new Map<bigint, Uint8Array>();
  for (const { vaddr, bytes = Buffer.alloc(0) } of loads)
    for (let at = 0; at < bytes.length; at += 1024)
      kibs.set((vaddr as bigint) / 1024n + BigInt(at / 1024), bytes.subarray(at, at + 1024));
  return SIZES.flatMap((size) => {
    const each = BigInt(size / 1024);
    const numbers = [...new Set([...kibs.keys()].map((kib) => kib / each))].sort((a, b) => (a < b ? -1 : 1));
    return numbers.flatMap((number) => {
      const parts = Array.from({ length: size / 1024 }, (_, i) => kibs.get(number * each + BigInt(i)));
      return parts.every((part) => part !== undefined)
        ? [`${size} ${number} ${fingerprintOf(Buffer.concat(parts as Uint8Array[]))}`]
        : [];
    });
  });
}

test("every page of a core stands at its number in the trace, in the order of addresses", async () => {
  await fc.assert(
    fc.asyncProperty(memory, fc.boolean(), (stretches, bigEndian) =>
      inFolder(async (folder) => {
        const loads: Load[] = stretches.map(({ at, count, i }) => ({
          vaddr: at,
          bytes: pages(...Array.from({ length: count }, (_, k) => 10 * i + k)),
        }));
        // The last one may go beyond the end of all addresses, or over the next one's start.
        const fits = loads.filter(({ vaddr, bytes }, i) => {
          const end = (vaddr as bigint) + BigInt(bytes?.length ?? 0);
          const meets = loads.slice(0, i).some((one) => {
            const from = one.vaddr as bigint;
            return from < end && (vaddr as bigint) < from + BigInt(one.bytes?.length ?? 0);
          });
          return end <= TOP && !meets;
        });
        const machine = SPARC64;
        writeFileSync(
          path.join(folder, "p.core"),
          elfCore({ machine, bigEndian, notes: processNotes({}, 64, bigEndian), loads: fits }),
        );
        const sizes = SIZES.join(",");
        await succeed(["fingerprint", "p=p.core", "--page-size", sizes, "--out", "out", "--quiet"], { cwd: folder });
        const rows = await query(
          `SELECT page_bytes, page::VARCHAR AS page, lower(hex(fingerprint)) AS hash FROM ${quote(path.join(folder, "out/p.parquet"))}`,
        );
        expect(rows.map(({ page_bytes, page, hash }) => `${page_bytes} ${page} ${hash}`)).toEqual(rowsOf(fits));
      }),
    ),
    { numRuns: cases(25) },
  );
});

/** As a process of sparc64 has its memory, its libraries above the hole in the middle. */
const PROCESS: Core = {
  machine: SPARC64,
  bigEndian: true,
  notes: processNotes(
    { files: [{ start: 0xfff8000100000000n, end: 0xfff8000100002000n, file: "/lib/libc.so" }] },
    64,
    true,
  ),
  loads: [
    { vaddr: 0x100000n, bytes: pages(1, 0) },
    { vaddr: 0xfff8000100000000n, bytes: pages(2, 0, 3), memory: 5 * PAGE },
    { vaddr: 0x7fefff00000n, bytes: pages(4) },
  ],
};

describe("a process with memory in the upper half", () => {
  test("has all of it, at exact addresses", async ({ folder }) => {
    writeFileSync(path.join(folder, "core"), elfCore(PROCESS));
    const found = await analyzed(folder, "core");
    expect(found).toMatchObject({ addressSpace: "virtual", pages: 6, zeroPages: 2, absent: 2 * PAGE, outside: 0 });
    const json = await succeed(["inspect", "core", "--json"], { cwd: folder });
    expect(json).toMatch(/"address": 18444492278190833664,\n *"bytes": 12288\n/);
    expect(json).toContain('"start": 18444492278190833664');
    expect(JSON.parse(json)).toMatchObject({
      pages: 6,
      extents: [{ address: 0x100000 }, { address: 0x7fefff00000 }, {}],
    });
    const text = await succeed(["inspect", "core"], { cwd: folder });
    expect(text).toMatch(/0xfff8000100000000 +0xfff8000100002fff +12 KiB/);
  });

  test("is compared byte by byte, and what differs is named by its address", async ({ folder }) => {
    const [one, other] = collidingKibs();
    const twin: Core = {
      ...PROCESS,
      loads: [{ vaddr: 0xffffffff81000000n, bytes: Buffer.concat([page(1), one, other]) }],
    };
    writeFileSync(path.join(folder, "core"), elfCore(twin));
    const { code, stderr } = await pagekin(["analyze", "core", "--verify", "--page-size", "1k"], { cwd: folder });
    expect(code).toBe(3);
    for (const place of ["core at 0xffffffff81001000", "core at 0xffffffff81001400"]) expect(stderr).toContain(place);
  });

  test("has no map of resident pages", async ({ folder }) => {
    writeFileSync(path.join(folder, "core"), elfCore(PROCESS));
    writeFileSync(path.join(folder, "map"), Buffer.alloc(4096, 0xff));
    await expectRefused(
      folder,
      ["analyze", "core", "--resident", "map"],
      [/the map has 32768 pages, the dump 45\d{14};/],
    );
  });

  test("keeps its pages in a replay, from dumps and traces alike", async ({ folder }) => {
    // A later dump uses a further region between the others.
    const later = [...(PROCESS.loads as Load[]), { vaddr: 0x4000000000000000n, bytes: pages(5, 6) }];
    later[1] = { ...later[1], bytes: pages(2, 0, 7) };
    const other: Core = { ...PROCESS, loads: [{ vaddr: 0xffffffff81000000n, bytes: pages(1, 2, 3, 4, 5) }] };
    for (const [name, core] of Object.entries({ "a@0": PROCESS, "a@2": { ...PROCESS, loads: later }, b: other })) {
      writeFileSync(path.join(folder, `${name}.core`), elfCore(core));
      await succeed(["fingerprint", `${name}.core`, "--page-size", "1k,4k", "--out", `t-${name}`, "--quiet"], {
        cwd: folder,
      });
    }
    const common = { page_size: "4k", sample: "100ms", until: "4s", scanner: { pages_to_scan: 20 } };
    const traces = ["t-a@0/a.parquet", "a@2=t-a@2/a@2.parquet", "t-b/b.parquet"];
    const expected = await replay(folder, { ...common, sources: traces }, "traces");
    expect(expected["samples.csv"].some(({ cow_breaks }) => cow_breaks !== "0")).toBe(true);
    for (const [name, sources] of Object.entries({
      dumps: ["a@0=a@0.core", "a@2=a@2.core", "b.core"],
      both: ["a@0=a@0.core", "a@2=t-a@2/a@2.parquet", "t-b/b.parquet"],
    }))
      expect((await replay(folder, { ...common, sources }, name))["samples.csv"]).toEqual(expected["samples.csv"]);
    // Numbers of pages of 1 KiB go beyond what is exact there.
    writeFileSync(path.join(folder, "1k.yaml"), JSON.stringify({ ...common, page_size: "1k", sources: traces }));
    await expectRefused(
      folder,
      ["replay", "1k.yaml"],
      [/has page numbers beyond 2\^53; replay it with a larger page size/],
    );
  });
});

describe("a kernel's core without physical addresses", () => {
  const notes = [registersNote(), vmcoreinfoNote()];
  test.for([
    ["x86-64", 62, 0xffff888000000000n],
    ["aarch64", 183, 0xffff000000000000n],
    ["ppc64", 21, 0xc000000000000000n],
    ["loongarch", 258, 0x9000000000000000n],
    ["mips64", 8, 0xffffffff80000000n],
  ] as const)("of %s goes by virtual ones", async ([, machine, start], { folder }) => {
    const loads = [
      { vaddr: start, bytes: pages(1, 0, 2) },
      { vaddr: start + 0x40000000n, bytes: pages(3) },
    ];
    writeFileSync(path.join(folder, "core"), elfCore({ machine, notes, loads }));
    const json = await succeed(["inspect", "core", "--json"], { cwd: folder });
    expect(JSON.parse(json)).toMatchObject({
      ...{ address_space: "virtual", pages: 4, zero_pages: 1 },
      details: { kind: "machine", writer: "Linux (/proc/vmcore, makedumpfile)" },
      notes: [expect.stringMatching(/^It has no physical addresses/)],
    });
    expect(json).toContain(`"address": ${start},`);
  });

  test("of which a part has some: the kernel's own mappings are left out", async ({ folder }) => {
    const loads = [
      { vaddr: 0xffff888000001000n, paddr: 0x1000, bytes: pages(1, 2) },
      { vaddr: 0xffffc90000000000n, paddr: -1, bytes: pages(3), memory: 1n << 45n },
    ];
    writeFileSync(path.join(folder, "core"), elfCore({ notes, loads }));
    expect(await analyzed(folder, "core")).toMatchObject({
      addressSpace: "physical",
      pages: 2,
      outside: PAGE,
      absent: 0,
    });
    const { notes: said } = JSON.parse(await succeed(["inspect", "core", "--json"], { cwd: folder }));
    expect(said).toEqual([expect.stringMatching(/^4096 bytes are left out: they have no physical address/)]);
  });
});

describe("memory", () => {
  test("in more regions than can be told apart is refused", async ({ folder }) => {
    const loads = Array.from({ length: 17 }, (_, i) => ({ vaddr: BigInt(i + 1) << 59n, bytes: pages(i + 1) }));
    writeFileSync(path.join(folder, "core"), elfCore({ ...PROCESS, loads: loads.slice(0, 16) }));
    expect(await analyzed(folder, "core")).toMatchObject({ pages: 16, absent: 0 });
    writeFileSync(path.join(folder, "core"), elfCore({ ...PROCESS, loads }));
    await expectRefused(folder, ["analyze", "core"], [/at 0x[0-9a-f]+: segment 17 has an impossible range/]);
  });

  test("of the vsyscall page counts where it is no process's, or of another machine", async ({ folder }) => {
    const loads = [
      { vaddr: 0x400000, bytes: pages(1) },
      { vaddr: 0xffffffffff600000n, bytes: pages(2) },
    ];
    for (const [core, outside] of [
      [{ notes: processNotes({}), loads }, PAGE],
      [{ notes: processNotes({}), loads, machine: 183 }, 0],
      [{ notes: [registersNote(), vmcoreinfoNote()], loads }, 0],
    ] as const) {
      writeFileSync(path.join(folder, "core"), elfCore(core as Core));
      expect(await analyzed(folder, "core")).toMatchObject({ pages: outside === 0 ? 2 : 1, outside });
    }
  });
});
