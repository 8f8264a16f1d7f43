// spectrum.parquet with bits and bytes changed, in the forms that other programs write: read or refused, and no bug.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import { test } from "../support/folder.js";
import { pagekin } from "../support/pagekin.js";
import { randomNumbers } from "../support/random.js";
import { readDamaged } from "../support/read-damaged.js";
import { PYARROW_FOLDER, saveSpectrum, writeSpectrum } from "../support/written-spectrum.js";

describe("a saved spectrum", () => {
  test.for([
    ["bytes", "as it is"],
    ["bits", "as DuckDB writes it in snappy"],
    ["bytes", "as DuckDB writes it in zstd"],
  ] as const)("with any %s changed is read or refused, %s", async ([how, form], { folder }) => {
    const codec = / in (.*)/.exec(form)?.[1];
    const from = codec
      ? path.join(folder, await writeSpectrum(folder, {}, `, COMPRESSION ${codec}`))
      : await saveSpectrum(folder);
    const { forms, read } = await readDamaged("spectrum", folder, from, how);
    expect(forms).toBe(readFileSync(from).length - 4);
    // Names, statistics and the like are checked by nobody.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(forms / 2);
  });

  test.for(readdirSync(PYARROW_FOLDER))(
    "by pyarrow with any bits changed is read or refused: %s",
    async (name, { folder }) => {
      const from = path.join(PYARROW_FOLDER, name);
      const { forms, read } = await readDamaged("spectrum", folder, from, "bits");
      expect(forms).toBe(readFileSync(from).length - 4);
      expect(read).toBeLessThan(forms / 2);
    },
  );

  test("with bytes changed ends compare in no other way than bad input does", async ({ folder }) => {
    const bytes = readFileSync(await saveSpectrum(folder));
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    const random = randomNumbers(5);
    for (let i = 0; i < 30; i++) {
      const damaged = Buffer.from(bytes);
      const place = i % 4 === 0 ? 4 + random(footer - 4) : footer + random(bytes.length - footer);
      damaged[place] ^= 1 << random(8);
      writeFileSync(path.join(folder, "bad.parquet"), damaged);
      const out = path.join(folder, `out-${i}`);
      const { code, stdout, stderr } = await pagekin(["compare", "bad.parquet", "--out", out, "--quiet"], {
        cwd: folder,
      });
      expect({ place, code, stdout }).toEqual({ place, code: stderr === "" ? 0 : 2, stdout: "" });
      expect(stderr).toMatch(/^(pagekin: [^\n]+\n)?$/);
    }
  });
});
