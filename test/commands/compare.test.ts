// The command line of compare: what it takes, what it refuses, what it prints and where it writes.

import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect } from "vitest";
import { expectPolicyRefused, pages, SOURCES, writeCompared } from "../support/compared.js";
import { tablesIn, test, textsIn } from "../support/folder.js";
import { type Ended, ended, start, succeed } from "../support/pagekin.js";
import { randomBytes } from "../support/random.js";
import { expectRefused } from "../support/refused.js";
import { expectSpectrum, spectrumIn } from "../support/spectrum.js";
import { rowsOf } from "../support/table.js";
import { MOST_MS } from "../support/time-limit.js";
import { run } from "../support/tools.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMPARED = [
  "groups.csv",
  "growth.csv",
  "manifest.json",
  "members.csv",
  "merges.csv",
  "policies.csv",
  "spectrum.parquet",
];

const policiesOf = (folder: string) => [...new Set(rowsOf(folder, "policies.csv").map(({ policy }) => policy))];

describe("refused are", () => {
  // More of each kind: compare-refused.full.test.ts.
  const policies: [policy: string, says: RegExp][] = [
    ["no-such", /unknown policy no-such/],
    ["constructor", /unknown policy constructor/],
    ["by", /unknown policy by/],
    ["by:no-such", /label no-such/],
    ["by:some", /member b has no label some/],
    ["opt-in:agreed", /member c has maybe as label agreed/],
    ["esx-salting:3", /modes 0, 1 and 2/],
    ["similar:0", /similar:0/],
    ["similar:4", /3 members.* too few for 4 groups/],
    ["best", /best/],
    ["best:0", /best:0/],
    ["groups:none.csv", /none\.csv: no such file/],
    ["groups:pipe", /pipe: is not a regular file/],
    ["groups:header.csv", /header\.csv: has no rows/],
    ["groups:private.csv", /private\.csv.*no group/],
    ["groups:hole.csv", /hole\.csv: line 3: no group/],
    ["groups:twice.csv", /twice\.csv.*member b is named twice/],
    ["groups:fewer.csv", /fewer\.csv.*no group for member c/],
    ["groups:open.csv", /open\.csv/],
    ["private:private.csv", /FILE,POLICY/],
    ["private:private.csv,zero-only", /zero-only/],
    ["private:private.csv,private:private.csv,one-group", /cannot stand behind a private group/],
    ["private:none.csv,one-group", /none\.csv: no such file/],
  ];

  test.for(policies)("--policy %s", async ([policy, says], { folder }) => {
    await expectPolicyRefused(folder, policy, says);
  });

  const wrong: [args: string[], says: RegExp][] = [
    [["--policy"], /policy/],
    [["--policy", "--json"], /policy/],
    [["--policy", ""], /policy/],
    [["--policy", "one-group", "--no-policy"], /policy/],
    [["--add"], /add/],
    [["--policy", "one-group", "--policy=per-member", "--policy=one-group"], /--policy one-group is given twice/],
    [["--max-group=2", "--max-group=3", "--policy=best:2"], /--max-group is given twice/],
    [["--entitlement", "other"], /entitlement.*other/],
    [["--tenant-label", "no-such"], /label no-such/],
    [["--policies", "one-group"], /policies/],
    [["--add", "d"], /--add names unknown member d; there are a, b, c/],
    [["--policy", "best"], /--max-group/],
    [["--policy=best", "--max-group", "0"], /--max-group 0/],
    [["--policy=best:1", "--max-group", "2"], /--max-group/],
    [["--policy=best:2", "--together", "a"], /--together a names one member/],
    [["--policy=best:2", "--together", "a,d"], /--together names unknown member d; there are a, b, c/],
    [["--policy=best:2", "--together", "a,b", "--apart", "b,a"], /together and apart/],
    [["--policy=best:3", "--together", "a,b"], /--together/],
    [["--policy=best:2", "--apart", "a,b,c"], /--apart/],
    [["--policy=best", "--max-group", "2", "--together", "a,b,c"], /--max-group/],
    [["--max-page-sharing", "1"], /--max-page-sharing 1/],
    [["--max-page-sharing", "all"], /--max-page-sharing all/],
  ];

  test.for(wrong)("%s", async ([args, says], { folder }) => {
    writeCompared(folder);
    await expectRefused(folder, ["compare", ...SOURCES, "--inventory", "labels.csv", ...args], [says]);
  });

  test("labels where no inventory gives any", async ({ folder }) => {
    writeCompared(folder);
    await expectRefused(folder, ["compare", ...SOURCES, "--policy", "by:tenant"], [/label tenant/, /--inventory/]);
    await expectRefused(folder, ["compare", ...SOURCES, "--tenant-label", "tenant"], [/label tenant/, /--inventory/]);
  });

  test("an inventory of labels alone, and one that is none", async ({ folder }) => {
    writeCompared(folder);
    await expectRefused(folder, ["compare", "--inventory", "labels.csv"], [/no input given/]);
    await expectRefused(folder, ["compare", ...SOURCES, "--inventory", "none.csv"], [/none\.csv: no such file/]);
    await expectRefused(folder, ["compare", ...SOURCES, "--inventory", "a.raw"], [/a\.raw/]);
  });

  test("a page size that a trace or a spectrum does not hold", async ({ folder }) => {
    writeCompared(folder);
    const sizes = ["--page-size", "4k,1k"];
    await succeed(["fingerprint", "a.raw", ...sizes, "--out", "traces", "--quiet"], { cwd: folder });
    await succeed(["analyze", "a.raw", "b.raw", ...sizes, "--out", "out", "--quiet"], { cwd: folder });
    const [trace, spectrum] = [path.join("traces", "a.parquet"), path.join("out", "spectrum.parquet")];
    for (const source of [trace, spectrum]) {
      const says = [source, /no pages of 8192 bytes/, /1024, 4096/];
      await expectRefused(folder, ["compare", source, "--page-size", "4k,8k"], says);
      await expectRefused(folder, ["compare", source, "--page-size", "3000"], [/3000/]);
    }
    await expectRefused(folder, ["compare", trace, "b.raw", "--page-size", "2k"], [trace, /no pages of 2048 bytes/]);
  });

  test("options that mean nothing, beside a saved spectrum too", async ({ folder }) => {
    writeCompared(folder);
    await succeed(["analyze", ...SOURCES, "--out", "out", "--quiet"], { cwd: folder });
    const compare = ["compare", path.join("out", "spectrum.parquet")];
    await expectRefused(folder, [...compare, "--workers", "two"], [/--workers/]);
    await expectRefused(folder, [...compare, "--max-memory", "much"], [/--max-memory/]);
    await expectRefused(folder, [...compare, "--page-size", "4k,"], [/--page-size/]);
    await expectRefused(folder, [...compare, "--page-size", "x"], [/--page-size x/]);
  });

  test("members without a label that has the name of what every object has", async ({ folder }) => {
    writeCompared(folder);
    writeFileSync(path.join(folder, "odd.csv"), "member,constructor,toString\na,x,y\n");
    const compare = ["compare", ...SOURCES, "--inventory", "odd.csv"];
    await expectRefused(folder, [...compare, "--policy", "by:constructor"], [/member b has no label constructor/]);
    await succeed([...compare, "--policy", "one-group", "--out", "out", "--quiet"], { cwd: folder });
    const rows = rowsOf(path.join(folder, "out"), "members.csv").slice(0, 3);
    expect(rows.map((row) => [row.constructor, row.toString])).toEqual([
      ["x", "y"],
      ["", ""],
      ["", ""],
    ]);
  });

  test("a saved spectrum's members that do not fit", async ({ folder }) => {
    writeCompared(folder);
    await succeed(["analyze", ...SOURCES, "--inventory", "labels.csv", "--out", "out", "--quiet"], { cwd: folder });
    const compare = ["compare", path.join("out", "spectrum.parquet")];
    await expectRefused(
      folder,
      [...compare, "--add", "d"],
      [/--add names unknown member d; there are a, b, c/, /a, b, c/],
    );
    await expectRefused(folder, [...compare, "--policy", "best:4"], [/3 members.* too few for 4 groups/]);
    await expectRefused(
      folder,
      [...compare, "--policy", "by:no-such"],
      [/label no-such/, /tenant, customer, agreed, some/],
    );
  });
});

describe("options and sources", () => {
  test("come in any order, repeated options in either form", async ({ folder }) => {
    writeCompared(folder);
    const lines = [
      [...SOURCES, "--policy", "one-group", "--policy", "per-member", "--policy", "best:2", "--add", "a", "--add", "c"],
      ["--policy=one-group", "--policy=per-member", "--policy=best:2", "--add=a", "--add=c", ...SOURCES],
      [
        "--policy",
        "one-group",
        "a.raw",
        "--policy=per-member",
        "b.raw",
        "--add",
        "a",
        "c.raw",
        "--policy",
        "best:2",
        "--add=c",
      ],
      [
        "a.raw",
        "--add",
        "a",
        "b.raw",
        "--add",
        "c",
        "--policy=one-group",
        "--policy=per-member",
        "--policy",
        "best:2",
        "c.raw",
      ],
      ["--add=a", "--policy", "one-group", "--policy", "per-member", "--add=c", "--policy", "best:2", "--", ...SOURCES],
    ];
    for (const [i, line] of lines.entries()) {
      await succeed(["compare", "--quiet", "--out", `out-${i}`, ...line], { cwd: folder });
      expect(tablesIn(path.join(folder, `out-${i}`))).toEqual(tablesIn(path.join(folder, "out-0")));
    }
    const out = path.join(folder, "out-0");
    expect(policiesOf(out)).toEqual(["one-group", "per-member", "best:2"]);
    const members = [...new Set(rowsOf(out, "members.csv").map(({ member }) => member))];
    expect(members).toEqual(["a", "b", "c"]);
    expect([...new Set(rowsOf(out, "marginal.csv").map(({ member }) => member))]).toEqual(["a", "c"]);
  });

  test("policies stand in the order of the command line, by the text they were given", async ({ folder }) => {
    writeCompared(folder);
    const policies = [
      "zero-only",
      "groups:./groups.csv",
      "best:2",
      "private:private.csv,groups:groups.csv",
      "one-group",
    ];
    const options = policies.map((policy) => `--policy=${policy}`);
    await succeed(["compare", ...SOURCES, ...options, "--out", "out", "--quiet"], { cwd: folder });
    for (const table of ["policies.csv", "groups.csv", "members.csv"]) {
      const rows = rowsOf(path.join(folder, "out"), table).filter(({ zero_pages }) => zero_pages === "counted");
      expect([...new Set(rows.map(({ policy }) => policy))]).toEqual(policies);
    }
  });

  test("files of policies lie in the current folder, those of an inventory in the inventory's", async ({ folder }) => {
    mkdirSync(path.join(folder, "inner"));
    writeCompared(path.join(folder, "inner"));
    writeFileSync(path.join(folder, "inner", "all.csv"), "path,tenant\na.raw,red\nb.raw,blue\nc.raw,blue\n");
    const args = ["--inventory", "inner/all.csv", "--policy", "groups:inner/groups.csv", "--out", "out", "--quiet"];
    await succeed(["compare", ...args], { cwd: folder });
    const groups = rowsOf(path.join(folder, "out"), "members.csv").map(({ member, group, tenant }) => [
      member,
      group,
      tenant,
    ]);
    expect(groups.slice(0, 3)).toEqual([
      ["a", "one", "red"],
      ["b", "two", "blue"],
      ["c", "one", "blue"],
    ]);
  });
});

describe("without --policy", () => {
  test.for([
    ["no labels", [], ["one-group", "per-member", "zero-only"]],
    ["tenants", ["--inventory", "labels.csv"], ["one-group", "per-member", "zero-only", "by:tenant"]],
    [
      "another tenant label",
      ["--inventory", "labels.csv", "--tenant-label", "customer"],
      ["one-group", "per-member", "zero-only", "by:customer"],
    ],
  ] as const)("the policies are those that need nothing more: %s", async ([, options, policies], { folder }) => {
    writeCompared(folder);
    await succeed(["compare", ...SOURCES, ...options, "--out", "out", "--quiet"], { cwd: folder });
    expect(policiesOf(path.join(folder, "out"))).toEqual(policies);
  });
});

test("without --page-size it is 4 KiB, and all there are where that is missing", async ({ folder }) => {
  writeCompared(folder);
  const sizesOf = async (...sources: string[]) => {
    await succeed(["compare", ...sources, "--out", "out", "--quiet"], { cwd: folder });
    return [...new Set(rowsOf(path.join(folder, "out"), "policies.csv").map(({ page_bytes }) => page_bytes))];
  };
  const write2 = async (command: string, source: string, sizes: string, out: string) => {
    await succeed([command, source, "--page-size", sizes, "--out", out, "--quiet"], { cwd: folder });
    return path.join(out, command === "analyze" ? "spectrum.parquet" : "a.parquet");
  };
  expect(await sizesOf(...SOURCES)).toEqual(["4096"]);
  for (const command of ["analyze", "fingerprint"]) {
    expect(await sizesOf(await write2(command, "a.raw", "1k,2k,4k,8k", `${command}-with`))).toEqual(["4096"]);
    expect(await sizesOf(await write2(command, "a.raw", "8k,1k", `${command}-without`))).toEqual(["1024", "8192"]);
  }
});

describe("the result folder", () => {
  test("of an analysis has compare's results beside it, and the other way round", async ({ folder }) => {
    writeCompared(folder);
    const out = path.join(folder, "out");
    const ANALYZED = ["copies.csv", "inter.csv", "ledger.csv", "page_sizes.csv", "pairs.csv", "self.csv"];
    const own = COMPARED.filter((file) => file !== "manifest.json" && file !== "spectrum.parquet");
    const [both, two] = [[...COMPARED, ...ANALYZED].sort(), ["manifest.json", "spectrum.parquet"]];
    const runs: [args: string[], all: string[], kept: string[]][] = [
      [["analyze"], [...ANALYZED, ...two].sort(), []],
      [["compare", "--add", "a"], [...both, "marginal.csv"].sort(), ANALYZED],
      [["compare"], both, ANALYZED],
      [["analyze", "--page-size", "1k"], both, own],
      [["compare"], both, ANALYZED],
    ];
    for (const [args, all, kept] of runs) {
      const before = existsSync(out) ? textsIn(out) : {};
      await succeed([...args, ...SOURCES, "--out", "out", "--quiet"], { cwd: folder });
      expect(readdirSync(out).sort()).toEqual(all);
      const manifest = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
      expect((manifest.kept ?? []).sort()).toEqual(kept);
      expect([...manifest.files, ...kept].sort()).toEqual(all);
      const after = textsIn(out);
      for (const file of kept) expect(after[file]).toBe(before[file]);
    }
  });

  test("is pagekin-out/compare unless another is named", async ({ folder }) => {
    writeCompared(folder);
    await succeed(["compare", ...SOURCES, "--quiet"], { cwd: folder });
    expect(readdirSync(path.join(folder, "pagekin-out"))).toEqual(["compare"]);
    expect(readdirSync(path.join(folder, "pagekin-out", "compare")).sort()).toEqual(COMPARED);
  });

  test("of an analysis is a source: the spectrum in it", async ({ folder }) => {
    writeCompared(folder);
    await succeed(["analyze", ...SOURCES, "--quiet"], { cwd: folder });
    await succeed(["compare", "pagekin-out/analyze", "--quiet", "-o", "of-folder"], { cwd: folder });
    await succeed(["compare", ...SOURCES, "--quiet", "-o", "of-sources"], { cwd: folder });
    const [a, b] = ["of-folder", "of-sources"].map((of) => textsIn(path.join(folder, of)));
    expect(a["policies.csv"]).toBe(b["policies.csv"]);
    mkdirSync(path.join(folder, "empty"));
    await expectRefused(
      folder,
      ["compare", "empty"],
      [/^pagekin: empty: is a folder; name its files, such as empty\/\*$/m],
    );
  });

  test("with other files is an error without --force, and they stay with it", async ({ folder }) => {
    writeCompared(folder);
    mkdirSync(path.join(folder, "refused-out"));
    writeFileSync(path.join(folder, "refused-out", "mine"), "mine");
    const args = ["compare", ...SOURCES, "--quiet", "--out", "refused-out"];
    const child = start(args, { cwd: folder });
    child.stdin.end();
    expect(await ended(child)).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^pagekin: [^\n]*mine[^\n]*\n$/),
    });
    expect(textsIn(path.join(folder, "refused-out"))).toEqual({ mine: "mine" });
    await succeed([...args, "--force"], { cwd: folder });
    expect(readdirSync(path.join(folder, "refused-out")).sort()).toEqual([...COMPARED, "mine"].sort());
  });

  test("has a manifest of how it was made, from dumps and from a spectrum", async ({ folder }) => {
    writeCompared(folder);
    const options = [
      "--policy",
      "best:2",
      "--policy=one-group",
      "--add",
      "c",
      "--max-group",
      "2",
      "--hash-sources",
      "--quiet",
    ];
    const manifest = (out: string) => JSON.parse(readFileSync(path.join(folder, out, "manifest.json"), "utf8"));
    await succeed(["compare", ...SOURCES, ...options, "--out", "dumps"], { cwd: folder });
    const source = spectrumIn("dumps");
    await succeed(["compare", source, ...options, "--out", "saved"], { cwd: folder });
    for (const out of ["dumps", "saved"]) {
      expect(manifest(out).options).toMatchObject({
        policy: ["best:2", "one-group"],
        add: ["c"],
        "max-group": "2",
        entitlement: "shapley",
        "page-size": [4096],
      });
      expect(manifest(out).files).toContain("marginal.csv");
    }
    const hash = createHash("sha256")
      .update(readFileSync(path.join(folder, source)))
      .digest("hex");
    expect(manifest("dumps").sources.map((one: Record<string, unknown>) => [one.source, one.member])).toEqual(
      SOURCES.map((name) => [name, name[0]]),
    );
    expect(manifest("saved").sources).toMatchObject([{ source, sha256: hash, format: "parquet" }]);
  });
});

describe("what is printed", () => {
  const guests = ["compare", "--inventory", path.join(ROOT, "traces", "guests.csv")];

  test("--quiet is nothing, and the files are the same", async ({ folder }) => {
    writeCompared(folder);
    const args = ["compare", ...SOURCES, "--inventory", "labels.csv", "--add", "a"];
    expect(await succeed([...args, "--out", "quiet", "--quiet"], { cwd: folder })).toBe("");
    expect(await succeed([...args, "--out", "loud"], { cwd: folder })).not.toBe("");
    expect(await succeed([...args, "--out", "json", "--json"], { cwd: folder })).not.toBe("");
    for (const out of ["loud", "json"]) {
      expect(tablesIn(path.join(folder, out))).toEqual(tablesIn(path.join(folder, "quiet")));
    }
  });

  test("--json is one JSON text with the numbers of policies.csv", async ({ folder }) => {
    writeCompared(folder);
    const args = ["compare", ...SOURCES, "--inventory", "labels.csv", "--page-size", "1k,4k", "--policy", "one-group"];
    const stdout = await succeed([...args, "--policy", "by:tenant", "--policy", "best:2", "--out", "out", "--json"], {
      cwd: folder,
    });
    const { comparisons, ...rest } = JSON.parse(stdout);
    expect(rest).toMatchObject({ out: "out", files: expect.arrayContaining(COMPARED) });
    const rows = comparisons.flatMap(({ policies, ...key }: Record<string, unknown>) =>
      (policies as Record<string, unknown>[]).map((policy) => ({ ...key, ...policy })),
    );
    const columns =
      "time_s page_bytes zero_pages policy groups pages frames saved_pages isolation_cost_pages exposed_contents exposed_by_two dominated";
    const pick = (row: Record<string, unknown>) => columns.split(" ").map((column) => String(row[column]));
    expect(rows.map(pick)).toEqual(rowsOf(path.join(folder, "out"), "policies.csv").map(pick));
  });

  test.for([
    ["by default", []],
    ["with its example", ["--policy", "one-group", "--policy", "by:tenant", "--policy", "best:2"]],
    [
      "with all that there is",
      [
        ...["one-group", "per-member", "zero-only", "by:tenant", "by:os", "similar:3", "best:3"].map(
          (p) => `--policy=${p}`,
        ),
        ...["--add", "c2", "--add", "a1", "--max-page-sharing", "256", "--use-zero-pages", "--apart", "a1,b1"],
      ],
    ],
  ] as const)("fits 100 columns and is plain text where it is no terminal, %s", async ([, options], { folder }) => {
    const text = await succeed([...guests, ...options, "--out", path.join(folder, "out")], { cwd: folder });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is asked
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    const longest = Math.max(
      ...text
        .replaceAll(folder, "")
        .split("\n")
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(100);
    for (const policy of policiesOf(path.join(folder, "out"))) expect(text).toContain(policy);
  });

  test("names the policies best first, and those that are not dominated", async ({ folder }) => {
    const policies = ["zero-only", "per-member", "by:tenant", "by:os", "one-group"];
    const text = await succeed([...guests, ...policies.map((policy) => `--policy=${policy}`), "--out", "out"], {
      cwd: folder,
    });
    const counted = rowsOf(path.join(folder, "out"), "policies.csv").filter((row) => row.zero_pages === "counted");
    const best = counted.sort((x, y) => Number(y.saved_pages) - Number(x.saved_pages)).map(({ policy }) => policy);
    const printed = [...text.matchAll(/^ {2}([a-z:-]+) +\d+ /gm)].map(([, policy]) => policy);
    expect(printed).toEqual(best);
    const front = counted.filter(({ dominated }) => dominated === "false").map(({ policy }) => policy);
    expect(text).toContain(`\n  ${front.join(", ")}\n`);
    expect(front.length).toBeLessThan(policies.length);
  });
});

test.for(["analyze", "compare"])("%s --help ends with an example that runs in a clone", async (command, { folder }) => {
  const help = await succeed([command, "--help"]);
  expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  const [, examples] = help.split("Examples:\n");
  // What it shows stands in a column to the right, of the lines that the command takes.
  const line = examples
    .trimEnd()
    .split("\n")
    .map((part) => part.trim().split(/ {2,}/)[0])
    .join(" ");
  const [program, ...args] = line.split(" ");
  expect([program, args[0]]).toEqual(["pagekin", command]);
  await succeed([...args, "--out", path.join(folder, "out")], { cwd: ROOT });
  expect(readdirSync(path.join(folder, "out"))).toContain("manifest.json");
});

describe("a pipe as the only source", () => {
  /** Runs compare, which must end in time. */
  async function compare(folder: string, args: string[]): Promise<Ended> {
    const child = start(["compare", ...args, "--quiet"], { cwd: folder });
    const timer = setTimeout(() => child.kill("SIGKILL"), MOST_MS / 2);
    child.stdin.end();
    try {
      return await ended(child);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A named pipe that the bytes come through. */
  function pipe(folder: string, name: string, bytes: Uint8Array): string {
    run("mkfifo", path.join(folder, name));
    createWriteStream(path.join(folder, name)).end(bytes);
    return name;
  }

  // More than a pipe holds at a time.
  const DUMP = Buffer.concat([pages(0, 1, 1, 2), randomBytes(4096 * 200, 6), pages(2, 3)]);

  test.for([
    ["a dump", (dump: Buffer) => dump],
    ["a gzip", (dump: Buffer) => gzipSync(dump)],
  ] as const)("gives what the file gives: %s", async ([, pack], { folder }) => {
    const source = pipe(folder, "vm", pack(DUMP));
    expect(await compare(folder, [source, "--out", "out"])).toEqual({ code: 0, stdout: "", stderr: "" });
    const worlds = [{ timeS: 0, members: [{ name: "vm", dump: DUMP }] }];
    await expectSpectrum(path.join(folder, "out"), worlds, [4096]);
    expect(rowsOf(path.join(folder, "out"), "policies.csv")[0].pages).toBe(String(DUMP.length / 4096));
  });

  test.for(["a trace", "a CSV trace", "a spectrum"])("gives what the file gives: %s", async (what, { folder }) => {
    writeFileSync(path.join(folder, "vm.raw"), DUMP);
    await succeed(["fingerprint", "vm.raw", "--page-size", "4k", "--out", "traces", "--quiet"], { cwd: folder });
    await succeed(["analyze", "vm.raw", "--page-size", "4k", "--out", "analyzed", "--quiet"], { cwd: folder });
    const csv = "page_bytes,page,fingerprint\n4096,0,aa\n4096,1,aa\n4096,2,bb\n";
    writeFileSync(path.join(folder, "vm.csv"), csv);
    const file =
      { "a trace": "traces/vm.parquet", "a CSV trace": "vm.csv", "a spectrum": "analyzed/spectrum.parquet" }[what] ??
      "";
    await succeed(["compare", file, "--out", "expected", "--quiet"], { cwd: folder });
    const source = pipe(folder, "vm", readFileSync(path.join(folder, file)));
    expect(await compare(folder, [source, "--out", "out"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(tablesIn(path.join(folder, "out"))).toEqual(tablesIn(path.join(folder, "expected")));
  });
});
