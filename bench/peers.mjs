// The programs that pagekin is measured against, and how to get those that are missing.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "./machine.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Slow programs run less often than the others. */
const SLOW_RUNS = 3;
const SLOWEST_RUNS = 2;

/** How native.cpp is compiled: as anyone would, and for this machine's widest vectors with the hash inlined. */
const BUILDS = { native: ["-lxxhash"], "native, tuned": ["-march=native", "-DXXH_INLINE_ALL"] };

/** The first line of the compiler's complaint, or undefined if it worked. */
function compile(compiler, flags, binary) {
  const source = path.join(HERE, "native.cpp");
  const done = spawnSync(compiler, ["-std=c++17", "-O3", "-w", source, ...flags, "-o", binary]);
  return done.status === 0 ? undefined : String(done.stderr ?? done.error).split("\n")[0];
}

/**
 * @param {string[]} files
 * @param {string} scratch
 * @returns {{programs: import('./measure.mjs').Program[], skipped: string[]}}
 */
export function peerPrograms(files, scratch) {
  const programs = [];
  const skipped = [];
  const add = (name, command, more = {}) => programs.push({ name, command, peer: true, ...more });
  const skip = (name, why, install) => skipped.push(`${name}: skipped, ${why}; ${install}`);

  const compiler = findProgram("g++");
  for (const [name, flags] of Object.entries(BUILDS)) {
    const binary = path.join(scratch, name.replace(", ", "-"));
    const complaint = compiler ? compile(compiler, flags, binary) : "no g++";
    if (complaint !== undefined) {
      skip(name, complaint, "apt-get install g++ libxxhash-dev");
      continue;
    }
    add(`${name}, five sizes`, [binary, ...files], { keepOutput: true });
    add(`${name}, 4 KiB`, [binary, "4", ...files]);
  }

  const xxhsum = findProgram("xxhsum");
  if (xxhsum) add("xxhsum -H2", [xxhsum, "-H2", ...files]);
  else skip("xxhsum -H2", "not installed", "apt-get install xxhash");

  const python = findProgram("python3");
  if (python) {
    // the interpreter itself: a launcher script in its place would be measured too
    const asked = spawnSync(python, ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" });
    const interpreter = asked.stdout?.trim() || python;
    const script = path.join(HERE, "hash_per_page.py");
    add("Python blake2b, 4 KiB", [interpreter, script, ...files], { keepOutput: true, times: SLOW_RUNS });
  } else {
    skip("Python blake2b, 4 KiB", "not installed", "apt-get install python3");
  }

  const duperemove = findProgram("duperemove");
  if (duperemove) {
    const hashfile = path.join(scratch, "duperemove.db");
    // without -d nothing is deduplicated; a hash file that is there already would save it the hashing
    add("duperemove, hashing", [duperemove, "-b", "4096", `--hashfile=${hashfile}`, ...files], {
      times: SLOW_RUNS,
      before: () => {
        for (const end of ["", "-wal", "-shm", "-journal"]) fs.rmSync(hashfile + end, { force: true });
      },
    });
    add("duperemove, partial", [duperemove, "-b", "4096", "--dedupe-options=partial", ...files], {
      times: SLOWEST_RUNS,
    });
  } else {
    skip("duperemove", "not installed", "apt-get install duperemove");
  }
  return { programs, skipped };
}
