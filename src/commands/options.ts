// The options that several commands share, and what their texts mean.

import type { ArgumentsCamelCase, InferredOptionTypes, Options } from "yargs";
import { FORMAT_NAMES } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import type { DumpSettings } from "../sources/dump.js";

const KIB = 1024;
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export const sourceOptions = {
  inventory: {
    type: "string",
    describe: "CSV that names sources, members, times and labels (path,member,time_s,LABEL...)",
  },
  "page-size": {
    type: "string",
    describe:
      "page sizes, powers of two from 1k to 2m, by commas [default: 1k,2k,4k,8k,16k; of traces those they all hold]",
  },
} as const satisfies Record<string, Options>;

/** How dumps are read. */
export const dumpOptions = {
  ranges: {
    type: "string",
    choices: ["ram", "all"],
    default: "ram",
    describe: "memory that counts: RAM alone, or also devices and firmware that a dump holds",
  },
  holes: {
    type: "string",
    choices: ["zero", "absent"],
    default: "zero",
    describe: "holes of sparse raw dumps: zeros, or absent pages (a diff snapshot)",
  },
  format: {
    type: "string",
    choices: [...FORMAT_NAMES, "parquet", "csv"],
    describe: "format of the dumps [default: what their contents tell]",
  },
  resident: {
    type: "string",
    array: true,
    describe:
      "map of resident pages (a bit for each 4 KiB, lowest first): MAP for one dump, NAME[@SECONDS]=MAP for each of several",
  },
  "allow-truncated": {
    type: "boolean",
    default: false,
    describe: "read what is there of a dump that ends early; the rest counts as absent",
  },
} as const satisfies Record<string, Options>;

export const runOptions = {
  out: { type: "string", default: "pagekin-out", describe: "folder for the results" },
  force: {
    type: "boolean",
    default: false,
    describe: "write even if the folder holds other files, and leave those alone",
  },
  json: { type: "boolean", default: false, describe: "print the summary as JSON" },
  workers: { type: "string", describe: "threads, from 1 [default: the processors, fewer for little data]" },
  "max-memory": {
    type: "string",
    describe: "memory for index and buckets, from 1m; beyond it temporary files [default: half of the machine's]",
  },
  "hash-sources": { type: "boolean", default: false, describe: "note the SHA-256 of every source in manifest.json" },
  quiet: { type: "boolean", default: false, describe: "print no summary and no progress" },
  progress: { type: "boolean", default: true, describe: "show progress on a terminal (--no-progress: never)" },
} as const satisfies Record<string, Options>;

type OptionTable = Record<string, Options>;

/** What a command gets: its options by their names in camel case, and the SOURCE... arguments. */
export type Arguments<T extends OptionTable> = ArgumentsCamelCase<InferredOptionTypes<T>> & { sources: string[] };

/** A command that takes SOURCE... . */
export interface Command<T extends OptionTable = OptionTable> {
  options: T;
  /** What it takes besides options, if that is no SOURCE... . */
  operands?: { usage: string; lines: string[] };
  /** What its help says besides. */
  about?: string;
  /** A command line that works in a clone, and what it shows. */
  example: [string, string];
  run(args: Arguments<T>): Promise<void>;
}

/** Any command, for main.ts, which hands it what yargs made of its options. */
export type AnyCommand = Omit<Command, "run"> & { run(args: never): Promise<void> };

/** Bytes from `64k`, `256m`, `1g` or plain bytes (binary units). */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(k|m|g|t)?(?:i?b)?$/i.exec(text.trim());
  const bytes = match ? Number(match[1]) * KIB ** " kmgt".indexOf((match[2] ?? " ").toLowerCase()) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new PagekinError(`--${option} ${text} is not a size`, {
      hint: "give bytes, or a number with k, m or g, such as 256m",
    });
  }
  return bytes;
}

/** A part of a whole, from 0 to 1. */
export function parsePart(text: string, option: string): number {
  const part = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (part <= 1) return part;
  throw new PagekinError(`--${option} ${text} is no part of a whole`, {
    hint: "give a number from 0 to 1, such as 0.1",
  });
}

/** A whole number from `least`. */
export function parseCount(text: string, option: string, least: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least) return count;
  throw new PagekinError(`--${option} ${text} is no whole number from ${least}`, { hint: `give ${least} or more` });
}

/** Seconds from 500ms, 15s, 30m, 1h or plain seconds. */
export function parseTime(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const milliseconds = match ? Math.round(Number(match[1]) * (MILLISECONDS[match[2] ?? "s"] ?? 0)) : Number.NaN;
  if (Number.isSafeInteger(milliseconds)) return milliseconds / 1000;
  throw new PagekinError(`--${option} ${text} is no time`, {
    hint: "give seconds, or a number with ms, s, m or h, such as 15s",
  });
}

/** The page sizes asked for, in bytes. */
export function parsePageSizes(text: string | undefined): number[] | undefined {
  return text?.split(",").map((part) => parseSize(part, "page-size"));
}

/** What the options of dumpOptions come to. */
export interface DumpArguments {
  ranges?: string | undefined;
  holes?: string | undefined;
  format?: string | undefined;
  resident?: string[] | undefined;
  allowTruncated?: boolean | undefined;
}

/** How dumps are to be read. */
export function parseDumps(args: DumpArguments): DumpSettings {
  const maps = (args.resident ?? []).map((text): [string, string] => {
    const equals = text.indexOf("=");
    return equals > 0 ? [text.slice(0, equals), text.slice(equals + 1)] : ["", text];
  });
  const twice = maps.find(([name], i) => maps.findIndex(([other]) => other === name) !== i);
  if (twice) throw new PagekinError("--resident is given twice for one dump", { hint: "write NAME=MAP for each dump" });
  return {
    ranges: args.ranges === "all" ? "all" : "ram",
    holes: args.holes === "absent" ? "absent" : "zero",
    format: args.format,
    allowTruncated: args.allowTruncated ?? false,
    resident: new Map(maps),
  };
}

/** The threads and the memory (bytes) asked for. */
export function parseResources({
  workers,
  maxMemory,
}: {
  workers?: string | undefined;
  maxMemory?: string | undefined;
}): {
  workers: number | undefined;
  maxMemory: number | undefined;
} {
  return {
    workers: workers === undefined ? undefined : parseCount(workers, "workers", 1),
    maxMemory: maxMemory === undefined ? undefined : parseSize(maxMemory, "max-memory"),
  };
}
