// Result folders that hold what no run of pagekin would leave there: nothing of it is touched, followed, or waited for.

import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { test as base, makeFolder, removeFolder } from "../support/folder.js";
import { killedHalfway } from "../support/killed.js";
import { type HowToRun, MAIN, pagekin, succeed } from "../support/pagekin.js";
import { dumpOf, TINY } from "../support/pieces.js";
import { because, canNobodyRead, has, IS_ROOT, run } from "../support/tools.js";

let shared: string;

beforeAll(async () => {
  shared = makeFolder();
  writeFileSync(path.join(shared, "a.raw"), dumpOf([TINY, 0, 0, TINY]));
  await succeed(["analyze", "a.raw", "--out", "out", "--quiet"], { cwd: shared });
});

afterAll(() => removeFolder(shared));

/** A folder with a dump, and with results of it in `out`. */
const test = base.extend<{ out: string }>({
  out: async ({ folder }, use) => {
    cpSync(shared, folder, { recursive: true });
    await use(path.join(folder, "out"));
  },
});

const analyze = (out: string, how: HowToRun = {}, ...more: string[]) =>
  pagekin(["analyze", path.join(out, "../a.raw"), "--out", out, "--quiet", ...more], how);

/** Names, kinds, times of change, and what regular files hold. */
function stateOf(folder: string): unknown {
  return readdirSync(folder).map((name) => {
    const file = path.join(folder, name);
    const stat = lstatSync(file);
    return [name, stat.mode, stat.ino, stat.mtimeMs, stat.isFile() ? readFileSync(file, "latin1") : undefined];
  });
}

/** A run must refuse a folder in one line, and leave it as it is. */
async function expectRefused(out: string, says: string | RegExp, how: HowToRun = {}, ...more: string[]): Promise<void> {
  const before = stateOf(out);
  const { code, stdout, stderr } = await analyze(out, how, ...more);
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(/^pagekin: [^\n]{1,300}\n$/),
  });
  expect(stderr).toMatch(says);
  expect(stateOf(out)).toEqual(before);
}

const KINDS: Record<string, (file: string) => void> = {
  "a FIFO": (file) => run("mkfifo", file),
  "a folder": (file) => {
    mkdirSync(file);
    writeFileSync(path.join(file, "mine.txt"), "mine");
  },
  "a link to a device": (file) => symlinkSync("/dev/zero", file),
  "a link to nothing": (file) => symlinkSync("nothing", file),
  "a link to a file": (file) => {
    writeFileSync(path.join(file, "../mine-too.txt"), "mine");
    symlinkSync("mine-too.txt", file);
  },
  ...(IS_ROOT ? { "a device": (file) => run("mknod", file, "c", "1", "5") } : {}),
};

describe.for(Object.entries(KINDS))("%s", ([, make]) => {
  test.for(["manifest.json", "self.csv"])("in the place of %s stays", async (name, { out }) => {
    rmSync(path.join(out, name));
    make(path.join(out, name));
    await expectRefused(out, "not pagekin's");
    // Without a manifest no file there is pagekin's.
    const first = name === "manifest.json" ? "spectrum.parquet" : name;
    await expectRefused(out, `${first} is there already`, {}, "--force");
  });

  test("where a command does not write stays", async ({ out }) => {
    const file = path.join(out, "policies.csv");
    make(file);
    await expectRefused(out, "policies.csv");
    const { ino } = lstatSync(file);
    expect(await analyze(out, {}, "--force")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(lstatSync(file).ino).toBe(ino);
  });
});

test.for(Object.entries(KINDS).filter(([kind]) => kind !== "a folder"))(
  "%s in the place of the folder is refused",
  async ([, make], { folder, out }) => {
    rmSync(out, { recursive: true });
    make(out);
    const before = stateOf(folder);
    const { code, stderr } = await analyze(out);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^pagekin: [^\n]*out: --out is a (file|link to nothing); name a folder\n$/);
    expect(stateOf(folder)).toEqual(before);
  },
);

describe("a manifest that lies", () => {
  const LIES = ["..", ".", "", "../a.raw", "/etc/passwd", "sub", ".hidden", ".pagekin-x", "self.csv\0", 3, null, {}];

  test("takes nothing with it that is not a regular file of the folder", async ({ folder, out }) => {
    mkdirSync(path.join(out, "sub"));
    mkdirSync(path.join(out, ".pagekin-x"));
    writeFileSync(path.join(out, ".hidden"), "mine");
    const manifest = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
    const files = [...manifest.files, ...LIES, ...manifest.files];
    writeFileSync(path.join(out, "manifest.json"), JSON.stringify({ ...manifest, files }));
    await expectRefused(out, /\(\.hidden, sub\)/);
    expect(await analyze(out, {}, "--force")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(out).sort()).toEqual([".hidden", ".pagekin-x", ...manifest.files.toSorted(), "sub"]);
    expect(readdirSync(folder).sort()).toEqual(["a.raw", "out"]);
  });

  test.for([
    "not JSON",
    "[]",
    "null",
    '{"files":["../a.raw","manifest.json"]}',
    '{"pagekin":1,"files":["self.csv"]}',
    '{"pagekin":"1","files":{}}',
    "{",
    "",
  ])("such as %s makes nothing pagekin's", async (text, { folder, out }) => {
    writeFileSync(path.join(out, "manifest.json"), text);
    await expectRefused(out, "not pagekin's");
    await expectRefused(out, "is there already", {}, "--force");
    expect(readdirSync(folder).sort()).toEqual(["a.raw", "out"]);
  });
});

const canChangeUser = IS_ROOT && has("setpriv") && canNobodyRead(MAIN);
const AS_NOBODY: HowToRun = { before: 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' };

describe.skipIf(!canChangeUser)(
  `of other users${because(canChangeUser, "needs root, setpriv, and a clone that all may read")}`,
  () => {
    test.for([
      ["a folder that may not be written", 0o755],
      ["files that may not be replaced (sticky)", 0o1777],
    ] as const)("%s is refused, and stays", async ([, mode], { folder, out }) => {
      chmodSync(folder, 0o755);
      chmodSync(out, mode);
      await expectRefused(out, /permission denied|not permitted/, AS_NOBODY);
    });

    test("a folder for the folder is refused where it may not be written", async ({ folder, out }) => {
      chmodSync(folder, 0o755);
      const before = stateOf(folder);
      const { code, stderr } = await analyze(path.join(folder, "new"), AS_NOBODY);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/^pagekin: [^\n]*permission denied[^\n]*\n$/),
      });
      expect(stateOf(folder)).toEqual(before);
      expect(readdirSync(out).length).toBe(8);
    });

    test("results that were half moved when their run was killed are for that user to finish", async ({
      folder,
      out,
    }) => {
      chmodSync(folder, 0o755);
      chmodSync(out, 0o777);
      await succeed(["analyze", "a.raw", "--out", "fresh", "--quiet"], { cwd: folder });
      const { moves } = await killedHalfway(out, path.join(folder, "fresh"));
      for (const move of moves.slice(0, 5)) move();
      await expectRefused(out, "a run of another user was killed while it moved its results there", AS_NOBODY);
      expect(await analyze(out)).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(out).length).toBe(8);
    });

    test("results that were to be moved when their run was killed are in nobody's way", async ({ folder, out }) => {
      chmodSync(folder, 0o755);
      chmodSync(out, 0o777);
      await succeed(["analyze", "a.raw", "--out", "fresh", "--quiet"], { cwd: folder });
      const { journal } = await killedHalfway(out, path.join(folder, "fresh"));
      rmSync(path.join(journal, ".record.json"));
      expect(await analyze(out, AS_NOBODY)).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(out)).toContain(path.basename(journal));
      expect(await analyze(out)).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(out).length).toBe(8);
    });
  },
);
