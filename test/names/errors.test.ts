// Every error is one line that a terminal shows as it is, of 300 characters at most, of which it quotes 80 in a row at most.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { analyze, PagekinError, parsePolicies, readSpectra, replay } from "pagekin";
import { describe, expect } from "vitest";
import { inFolder, inside, test } from "../support/folder.js";
import { cellOf } from "../support/names.js";
import { pagekin } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";

const MOST = 300;
const MOST_QUOTED = 80;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** line: without the `pagekin: ` that the command line puts before it. */
function expectLine(line: string, given: string): void {
  expect(line.length).toBeLessThanOrEqual(MOST - "pagekin: ".length);
  expect(line).not.toMatch(UNSEEN);
  expect(line).not.toMatch(/\ba bug\b/);
  for (let at = 0; at + MOST_QUOTED < given.length; at += 7)
    expect(line).not.toContain(given.slice(at, at + MOST_QUOTED + 1));
}

const write = (folder: string, name: string, ...parts: (string | Uint8Array)[]) =>
  writeFileSync(path.join(folder, name), Buffer.concat(parts.map((part) => Buffer.from(part))));

const TRACE = "page_bytes,page,fingerprint\n4096,0,00\n";
const json = JSON.stringify;

/** Where what whoever names things, or writes a file, gets into an error. */
const DOORS: Record<string, (folder: string, given: string) => Promise<unknown>> = {
  "a source that is not there": (_, given) => analyze([`./${given}`]),
  "a source in a folder that is a file": (_, given) => analyze([`a.csv/${given}`]),
  "a name without a time": (_, given) => analyze([`a@${given}=a.csv`]),
  "a member twice": (folder, given) => {
    write(folder, "i.csv", `path,member\na.csv,${cellOf(given)}\nb.csv,${cellOf(given)}\n`);
    return analyze([], { inventory: "i.csv" });
  },
  "a column twice": (folder, given) => {
    write(folder, "i.csv", `path,${cellOf(`x${given}`)},${cellOf(`x${given}`)}\na.csv,a,b\n`);
    return analyze([], { inventory: "i.csv" });
  },
  "a time": (folder, given) => {
    write(folder, "i.csv", `path,time_s\na.csv,${cellOf(`x${given}`)}\n`);
    return analyze([], { inventory: "i.csv" });
  },
  "a quote that is not closed": (folder, given) => {
    write(folder, "i.csv", `path,member\n"a,${given.replaceAll('"', "")}\n`, "secret,row\n".repeat(5000));
    return analyze([], { inventory: "i.csv" });
  },
  "text behind a quote": (folder, given) => {
    write(folder, "i.csv", `path,member\n"a"x${given.replaceAll(/[\r\n"]/g, "")}\n`);
    return analyze([], { inventory: "i.csv" });
  },
  "an inventory that is not there": (_, given) => analyze([], { inventory: `no/${given}` }),
  "cells of a CSV trace": (folder, given) => {
    write(folder, "t.csv", `page_bytes,page,fingerprint\n4096,0,${cellOf(`x${given.slice(0, 9000)}`)}\n`);
    return analyze(["t.csv"]);
  },
  "a policy": (_, given) => policies(given),
  "a label": (_, given) => policies(`by:${given}`),
  "a file of groups": (_, given) => policies(`groups:${given}`),
  "a key of a scenario": (folder, given) => {
    write(folder, "s.yaml", json({ sources: ["a.csv"], [`x${given}`]: 1 }));
    return replay("s.yaml");
  },
  "a value of a scenario": (folder, given) => {
    write(folder, "s.yaml", json({ sources: ["a.csv"], until: `x${given}`, controller: given }));
    return replay("s.yaml");
  },
  "a group of a scenario": (folder, given) => {
    write(folder, "s.yaml", json({ sources: ["a.csv"], until: "1s", groups: { [`x${given}`]: {} } }));
    return replay("s.yaml");
  },
  "a workload's baseline": (folder, given) => {
    const workload = { kind: "cached-random-read", working_set: "1m", baseline: `x${given}` };
    write(folder, "s.yaml", json({ sources: ["a.csv"], until: "1s", members: { [given]: { workload } } }));
    return replay("s.yaml");
  },
  "text that is no YAML": (folder, given) => {
    write(folder, "s.yaml", `sources: [a.csv\n${given}`);
    return replay("s.yaml");
  },
  "an alias of YAML": (folder, given) => {
    write(folder, "s.yaml", `sources: *${given.replaceAll(/[\s,[\]{}]/g, "") || "x"}\n`);
    return replay("s.yaml");
  },
  "a spectrum that is none": (folder, given) => {
    write(folder, "x.parquet", "PAR1", given, "PAR1");
    return readSpectra("x.parquet");
  },
};

const policies = (text: string) =>
  parsePolicies([text], {
    labelNames: ["tenant", "x".repeat(1000)],
    tenantLabel: undefined,
    limits: { together: [], apart: [], maxGroup: Infinity },
    readRows: async (file) => {
      throw new PagekinError(`no ${file}`, { file, hint: `look for ${file}` });
    },
  });

const given = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 400 }),
    fc.string({ minLength: 1, maxLength: 400 }),
    fc
      .array(fc.constantFrom("secret words ", "\u001b[2J", "\u202e", "\u009b31m", "\n", "\r", "=1+1", "ab"), {
        minLength: 1,
        maxLength: 60,
      })
      .map((parts) => parts.join("")),
    fc.integer({ min: 100, max: 10_000 }).map((length) =>
      Array.from({ length }, (_, i) => i.toString(36))
        .join("")
        .slice(0, length),
    ),
  )
  .map((text) => text.replaceAll(/[\0\p{Cs}]/gu, ""))
  .filter((text) => text !== "");

describe("of the library, with anything for", () => {
  test.for(Object.keys(DOORS))("%s", async (door) => {
    await inFolder(async (folder) => {
      write(folder, "a.csv", TRACE);
      write(folder, "b.csv", TRACE);
      mkdirSync(path.join(folder, "no"));
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(given, async (text) => {
          const error = await inside(folder, () =>
            DOORS[door](folder, text).then(
              () => undefined,
              (caught: unknown) => caught,
            ),
          );
          if (error === undefined) return;
          refused++;
          expect(error).toBeInstanceOf(PagekinError);
          const { line, message, hint = "", exitCode } = error as PagekinError;
          expect(exitCode).toBe(2);
          for (const one of [line, message, hint]) expectLine(one, text);
        }),
        { numRuns: 60 },
      );
      expect(refused).toBeGreaterThan(0);
    });
  });
});

test("of the command line, with long and strange words for options, operands and commands", async ({ folder }) => {
  write(folder, "a.raw", dumpOf([TINY, 0, TINY + 1, TINY + 2]));
  const words = ["x".repeat(5000), "secret words ".repeat(400), "\u001b[31m\u202e\u009b0m\r\n".repeat(40)];
  for (const word of words) {
    const lines = [
      [`${word}`],
      ["analyze", `--${word}`],
      ["analyze", "a.raw", "--page-size", word],
      ["analyze", "a.raw", "--pairs", word],
      ["analyze", "a.raw", "--out", `a.raw/${word}`],
      ["analyze", "a.raw", "--resident", `${word}=a.raw`],
      ["compare", "a.raw", "--add", word],
      ["compare", "a.raw", "--together", word],
      ["capture", "vm", "--qmp", `./${word}`, "--out", "o"],
      ["capture", "process", word, "--out", "o"],
    ];
    await Promise.all(
      lines.map(async (args) => {
        const { code, stdout, stderr } = await pagekin(args, { cwd: folder });
        expect({ args: args[0], code, stdout }).toEqual({ args: args[0], code: 2, stdout: "" });
        expect(stderr).toMatch(/^pagekin: [^\n]+\n$/);
        expectLine(stderr.slice("pagekin: ".length, -1), word);
      }),
    );
  }
});
