// Damaged kdumps: whatever is wrong with them, the answer is a plan or one line that says where.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { kdump } from "../../../src/dumps/formats/kdump.js";
import { PagekinError } from "../../../src/errors.js";
import { isRead } from "../../support/dumps/damaged.js";
import { coded, flattenedOf, inChunks, type KdumpSpec, kdumpOf } from "../../support/dumps/kdump.js";
import { planning } from "../../support/dumps/kdump-plans.js";
import { test } from "../../support/folder.js";
import { soon } from "../../support/limits.js";
import { pagekin } from "../../support/pagekin.js";
import { randomBytes, randomNumbers } from "../../support/random.js";

const PAGE = 4096;
const HALF = Buffer.concat([randomBytes(PAGE / 2, 1), Buffer.alloc(PAGE / 2)]);
const EIGHT = Buffer.from("pagekin!");

/** Pages of all codecs, some far up, some not there. */
const PAGES: KdumpSpec["pages"] = {
  ...{ 0: coded.zlib(HALF), 1: coded.lzo(EIGHT, PAGE), 2: coded.snappy(EIGHT, PAGE), 3: coded.zstd(7, PAGE) },
  ...{ 4: "excluded", 5: "lost", 6: HALF, 7: { like: 6 }, 60: coded.zlib(Buffer.alloc(PAGE)) },
};
const SPECS: KdumpSpec[] = [
  { pages: PAGES },
  { pages: PAGES, longBytes: 4, machine: "i686", part: [1, 50] },
  { pages: PAGES, littleEndian: false, version: 3, machine: "s390x" },
];
const DUMPS = SPECS.map(kdumpOf).flatMap((plain) => [plain, flattenedOf(inChunks(plain, 1000))]);

/** A dump with some numbers changed, where its headers are more often than elsewhere, to what is often not thought of. */
function mutated(dump: Buffer, seed: number): Buffer {
  const random = randomNumbers(seed);
  const changed = Buffer.from(dump);
  const isFlat = dump.toString("latin1", 0, 4) === "make";
  const spots = [0, PAGE, 2 * PAGE, 3 * PAGE, 4 * PAGE].map((at) =>
    isFlat ? PAGE + 16 + at + Math.floor(at / 1000) * 16 : at,
  );
  for (let n = 1 + random(4); n > 0; n--) {
    const near = 8 + spots[random(spots.length)] + random(random(2) === 0 ? 120 : 500);
    const at = Math.min(random(5) === 0 ? random(dump.length) : near, dump.length - 8) & ~(random(4) === 0 ? 0 : 3);
    const values = [0n, 1n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 40n, BigInt(random(70_000))];
    const value = values[random(values.length)];
    const kind = random(5);
    if (kind === 0) changed[at] ^= 1 << random(8);
    else if (kind === 1) changed.writeUInt32LE(Number(value & 0xffffffffn), at);
    else if (kind === 2) changed.writeUInt32BE(Number(value & 0xffffffffn), at);
    else if (kind === 3) changed.writeBigUInt64LE(value, at);
    else changed.copy(changed, at, random(dump.length), dump.length);
  }
  return random(6) === 0 ? changed.subarray(0, 16 + random(dump.length - 16)) : changed;
}

/** Whether a plan can be made; it may otherwise end with one line about the input. */
async function isPlanned(plan: () => Promise<unknown>): Promise<boolean> {
  try {
    await soon(plan);
    return true;
  } catch (error) {
    if (!(error instanceof PagekinError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.line).not.toContain("\n");
    return false;
  }
}

describe.each(DUMPS.slice(0, 2).map((dump, i) => [["plain", "flattened"][i], dump] as const))(
  "a %s kdump",
  (_, dump) => {
    test("cut at any place is refused, and read as far as it goes where that is allowed", async () => {
      await planning(kdump, dump, async (plan) => {
        const whole = (await plan()).extents.count;
        let last = 0;
        for (let bytes = 12; bytes < dump.length; bytes++) {
          await expect(plan(bytes)).rejects.toMatchObject({ exitCode: 2, place: { offset: expect.any(Number) } });
          const cut = await plan(bytes, { allowTruncated: true }).catch((error) => {
            expect(error).toBeInstanceOf(PagekinError);
            return undefined;
          });
          // Never less than of a shorter file, and nothing without saying that it is not whole.
          if (!cut) expect(last).toBe(0);
          else {
            expect(cut.extents.count).toBeGreaterThanOrEqual(last);
            expect(cut.notes).toContainEqual(expect.stringMatching(/not whole/));
            last = cut.extents.count;
          }
        }
        expect(last).toBeGreaterThan(0);
        expect(last).toBeLessThanOrEqual(whole);
      });
    });
  },
);

describe("kdumps with wrong numbers", () => {
  test("are planned or refused", async () => {
    let read = 0;
    for (let seed = 1; seed <= 1200; seed++) {
      const dump = mutated(DUMPS[seed % DUMPS.length], seed);
      await planning(kdump, dump, async (plan) => {
        if (await isPlanned(() => plan(dump.length, { allowTruncated: seed % 2 === 0 }))) read++;
      });
    }
    expect(read).toBeGreaterThan(100);
    expect(read).toBeLessThan(1100);
  });

  test("are analyzed or refused", async ({ folder }) => {
    let read = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const file = path.join(folder, `${seed}.kdump`);
      writeFileSync(file, mutated(DUMPS[seed % DUMPS.length], seed));
      if (await isRead(file)) read++;
    }
    expect(read).toBeGreaterThan(20);
    expect(read).toBeLessThan(280);
  });

  test("end pagekin with 0 or 2", async ({ folder }) => {
    for (let seed = 1; seed <= 24; seed++) {
      const file = path.join(folder, `${seed}.kdump`);
      writeFileSync(file, mutated(DUMPS[seed % DUMPS.length], seed));
      const { code, stderr } = await pagekin(["inspect", file, "--json"]);
      expect(stderr).toMatch(code === 0 ? /^$/ : /^pagekin: [^\n]+\n$/);
      expect([0, 2]).toContain(code);
    }
  });
});
