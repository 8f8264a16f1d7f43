// The kinds of input whose growth is measured. Each makes an input of a size in a folder, and gives the command that takes it.

import fs from "node:fs";
import path from "node:path";
import { parquetWriteFile } from "hyparquet-writer/src/node.js";

/** Numbers from 0 to 1, the same every time: the mulberry32 generator. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mix = Math.imul(state ^ (state >>> 15), 1 | state);
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix;
    return ((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32;
  };
}

const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const hex = (number) => Math.floor(number).toString(16).padStart(32, "0");

function write(folder, name, text) {
  fs.writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

/** A CSV trace whose page i has the content that `contentOf` gives. */
function writeTrace(folder, name, pages, contentOf) {
  return write(
    folder,
    name,
    ["page_bytes,page,fingerprint", ...list(pages, (i) => `4096,${i},${hex(contentOf(i))}`), ""].join("\n"),
  );
}

/** A raw dump of so many KiB: a third common to all, the rest its own. */
function writeDump(folder, name, kib, seed) {
  const random = randomNumbers(seed);
  const bytes = Buffer.alloc(kib * 1024);
  for (let at = 0; at < bytes.length; at += 4096)
    bytes.writeDoubleLE(random() < 0.3 ? Math.floor(at / 4096) : random(), at);
  fs.writeFileSync(path.join(folder, name), bytes);
}

const COLUMNS = [
  ["member", { type: "BYTE_ARRAY", converted_type: "UTF8" }],
  ["time_s", { type: "DOUBLE" }],
  ["page_bytes", { type: "INT32" }],
  ["page", { type: "INT64" }],
  ["fingerprint", { type: "FIXED_LEN_BYTE_ARRAY", type_length: 16 }],
  ["zero", { type: "BOOLEAN" }],
];

/** A Parquet trace of some fingerprints. */
function writeParquet(folder, name, fingerprints, rowGroupSize = 131_072) {
  const filename = path.join(folder, name);
  const rows = fingerprints.length;
  const data = {
    member: list(rows, () => "m"),
    time_s: list(rows, () => 0),
    page_bytes: list(rows, () => 4096),
    page: list(rows, BigInt),
    fingerprint: fingerprints,
    zero: list(rows, () => false),
  };
  parquetWriteFile({
    filename,
    schema: [
      { name: "root", num_children: COLUMNS.length },
      ...COLUMNS.map(([column, type]) => ({ name: column, ...type, repetition_type: "REQUIRED" })),
    ],
    columnData: COLUMNS.map(([column]) => ({ name: column, data: data[column] })),
    rowGroupSize,
  });
  return filename;
}

function fingerprintsOf(count, seed) {
  const random = randomNumbers(seed);
  return list(count, () => {
    const bytes = Buffer.alloc(16);
    for (let at = 0; at < 16; at += 4) bytes.writeUInt32LE(random() * 2 ** 32, at);
    return bytes;
  });
}

/** Of one bucket by their first byte, and of one slot where this is the exclusive or of their halves. */
function alike(fingerprint) {
  fingerprint[0] = 7;
  fingerprint.copy(fingerprint, 12, 4, 8);
  return fingerprint;
}

function scenario(folder, keys) {
  return ["replay", write(folder, "scenario.yaml", JSON.stringify(keys))];
}

/** Members of a few pages; gives an inventory with a label that puts so many of them into each group. */
function writeMembers(folder, members, pages, together = 1) {
  const rows = list(members, (i) => {
    writeTrace(folder, `m${i}.csv`, pages, (page) => (page % 3 === 0 ? page : i * pages + page + 1e6));
    return `m${i}.csv,m${i},t${Math.floor(i / together)}`;
  });
  return write(folder, "inventory.csv", ["path,member,tenant", ...rows, ""].join("\n"));
}

function replayMembers(folder, members, keys) {
  writeMembers(folder, members, 20);
  return scenario(folder, { inventory: "inventory.csv", ...keys });
}

function replayOne(folder, keys, contentOf = (i) => i % 50, pages = 200) {
  writeTrace(folder, "a.csv", pages, contentOf);
  return scenario(folder, { sources: ["a=a.csv"], ...keys });
}

const IDLE = { rules: "off" };

/**
 * By name: the size that is measured, beside four times as much, its unit, and what makes an input of a size in a folder and
 * gives the command.
 * @type {Record<string, {size: number, unit: string, make: (folder: string, size: number) => string[]}>}
 */
export const KINDS = {
  pages: {
    size: 32_768,
    unit: "pages of a dump",
    make(folder, size) {
      writeDump(folder, "a.raw", size * 4, 1);
      return ["analyze", path.join(folder, "a.raw")];
    },
  },
  members: {
    size: 500,
    unit: "members, dumps of 64 KiB",
    make(folder, size) {
      for (let i = 0; i < size; i++) writeDump(folder, `m${i}.raw`, 64, i);
      const rows = list(size, (i) => `m${i}.raw,m${i}`);
      return ["analyze", "--inventory", write(folder, "inventory.csv", ["path,member", ...rows, ""].join("\n"))];
    },
  },
  snapshots: {
    size: 250,
    unit: "snapshots of a member",
    make(folder, size) {
      const rows = list(size, (i) => {
        writeTrace(folder, `s${i}.csv`, 50, (page) => page * (1 + (i % 7)));
        return `s${i}.csv,m,${i}`;
      });
      return ["analyze", "--inventory", write(folder, "inventory.csv", ["path,member,time_s", ...rows, ""].join("\n"))];
    },
  },
  groups: {
    size: 250,
    unit: "groups of two members",
    make: (folder, size) => ["compare", "--inventory", writeMembers(folder, 2 * size, 30, 2), "--policy", "by:tenant"],
  },
  policies: {
    size: 250,
    unit: "policies for 30 members",
    make(folder, size) {
      const inventory = writeMembers(folder, 30, 30, 3);
      const options = list(size, (i) => {
        const rows = list(30, (member) => `m${member},${(member * (i + 1)) % 7}`);
        return ["--policy", `groups:${write(folder, `g${i}.csv`, ["member,group", ...rows, ""].join("\n"))}`];
      });
      return ["compare", "--inventory", inventory, "--policy", "one-group", ...options.flat()];
    },
  },
  "csv-rows": {
    size: 200_000,
    unit: "rows of a CSV trace",
    make: (folder, size) => ["analyze", writeTrace(folder, "a.csv", size, (i) => i % 5000)],
  },
  "parquet-rows": {
    size: 400_000,
    unit: "rows of a Parquet trace",
    make: (folder, size) => ["analyze", writeParquet(folder, "a.parquet", fingerprintsOf(size, 1))],
  },
  "row-groups": {
    size: 2000,
    unit: "row groups of a Parquet trace, of one row",
    make: (folder, size) => ["analyze", writeParquet(folder, "a.parquet", fingerprintsOf(size, 1), 1)],
  },
  collisions: {
    size: 200_000,
    unit: "fingerprints of one bucket and slot, if these were chosen by their bits",
    make: (folder, size) => ["analyze", writeParquet(folder, "a.parquet", fingerprintsOf(size, 1).map(alike))],
  },
  samples: {
    size: 50_000,
    unit: "samples",
    make: (folder, size) => replayOne(folder, { until: `${size}s`, scanner: IDLE }),
  },
  runs: {
    size: 250,
    unit: "runs",
    make: (folder, size) =>
      replayOne(folder, { until: "1s", runs: Object.fromEntries(list(size, (i) => [`r${i}`, { seed: i }])) }),
  },
  "yaml-bytes": {
    size: 50_000,
    unit: "bytes of YAML, speeds on a schedule",
    make: (folder, size) =>
      replayOne(folder, {
        until: "1s",
        schedule: list(size / 50, (i) => ({ at: `${i}ms`, group: "all", pages_to_scan: 100 + (i % 900) })),
      }),
  },
  events: {
    size: 50_000,
    unit: "events",
    make(folder, size) {
      const rows = list(size, (i) => `${(i * 10) / size},a,write,${i % 400},${hex(i % 999)}`);
      write(folder, "events.csv", ["time_s,member,event,page,fingerprint", ...rows, ""].join("\n"));
      return replayOne(folder, { until: "11s", events: "events.csv", scanner: IDLE });
    },
  },
  usage: {
    size: 50_000,
    unit: "rows of usage",
    make(folder, size) {
      const rows = list(size, (i) => `${(i * 10) / size},a,${1e6 + (i % 9)},2000000,0.7`);
      write(folder, "usage.csv", ["time_s,vm,muv_bytes,mup_bytes,muh_rate", ...rows, ""].join("\n"));
      return replayOne(folder, { until: "11s", usage: "usage.csv", controller: "semma" });
    },
  },
  curve: {
    size: 50_000,
    unit: "points of a curve of misses",
    make(folder, size) {
      const rows = list(size, (i) => `${i * 10},${1 - i / size}`);
      write(folder, "curve.csv", ["memory_bytes,miss_ratio", ...rows, ""].join("\n"));
      const workload = { kind: "cached-random-read", curve: "curve.csv" };
      return replayOne(folder, { until: "2000s", scanner: IDLE, members: { a: { workload } } });
    },
  },
  spread: {
    size: 100_000,
    unit: "spread changes",
    make(folder, size) {
      writeTrace(folder, "b.csv", size, (i) => i + 1e7);
      writeTrace(folder, "c.csv", size, (i) => i);
      return scenario(folder, { sources: ["a@0=c.csv", "a@10=b.csv"], until: "11s", changes: "spread", scanner: IDLE });
    },
  },
  "scanned-groups": {
    size: 100,
    unit: "groups that are scanned, for 20 s",
    make: (folder, size) => replayMembers(folder, size, { policy: "per-member", until: "20s" }),
  },
  "modelled-groups": {
    size: 100,
    unit: "groups whose batches take their time, for 5 s",
    make: (folder, size) =>
      replayMembers(folder, size, { policy: "per-member", until: "5s", scanner: { cpu: "modelled" } }),
  },
  "given-memory": {
    size: 100,
    unit: "members that are given memory, for 100 s",
    make: (folder, size) =>
      replayMembers(folder, size, { until: "100s", redistribute: "equal", scanner: { sleep_millisecs: 1000 } }),
  },
  "equal-pages": {
    size: 200_000,
    unit: "equal pages, 256 to a frame",
    make: (folder, size) => replayOne(folder, { until: "4 passes", scanner: { pages_to_scan: size } }, () => 5, size),
  },
};
