// The options that several commands share, and what their texts mean.

import { availableParallelism, totalmem } from "node:os";
import type { ArgumentsCamelCase, InferredOptionTypes, Options } from "yargs";
import { PagekinError } from "../errors.js";
import type { World } from "../fingerprints/worlds.js";

const KIB = 1024;
const LEAST_PAGE = KIB;
const MOST_PAGE = 2 * KIB * KIB;
const LEAST_MEMORY = KIB * KIB;
/** A thread costs more than it brings below so many bytes of dumps for each. */
const BYTES_PER_WORKER = 256 * KIB * KIB;
/** Decompressing a byte takes longer than hashing it. */
const COMPRESSED_WEIGHT = 8;
/** Tables of all threads together may take this part of --max-memory, buckets the rest. */
const TABLE_PART = 1 / 4;
const MOST_TABLE_BYTES = 512 * KIB * KIB;

export const sourceOptions = {
  inventory: { type: "string", describe: "CSV that names sources, members, times and labels (path,member,time_s,LABEL...)" },
  "page-size": {
    type: "string",
    describe: "page sizes, powers of two from 1k to 2m, by commas [default: 1k,2k,4k,8k,16k; of traces those they all hold]",
  },
} as const satisfies Record<string, Options>;

export const runOptions = {
  out: { type: "string", default: "pagekin-out", describe: "folder for the results" },
  force: { type: "boolean", default: false, describe: "write even if the folder holds other files, and leave those alone" },
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
    throw new PagekinError(`--${option} ${text} is not a size`, { hint: "give bytes, or a number with k, m or g, such as 256m" });
  }
  return bytes;
}

/** The page sizes asked for, ascending, each once. */
export function parsePageSizes(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const sizes = text.split(",").map((part) => {
    const bytes = parseSize(part, "page-size");
    if (bytes < LEAST_PAGE || bytes > MOST_PAGE || !Number.isInteger(Math.log2(bytes))) {
      throw new PagekinError(`--page-size ${part} is no page size`, { hint: "give powers of two from 1k to 2m" });
    }
    return bytes;
  });
  return [...new Set(sizes)].sort((a, b) => a - b);
}

/** What a run may use. */
export interface Resources {
  workers: number;
  /** Bytes of buckets in memory, of all threads. */
  bucketLimit: number;
  /** Bytes of one thread's table. */
  tableLimit: number;
}

/** Workers and memory, as asked for or by the machine and the amount of data. */
export function planResources(
  { workers, maxMemory }: { workers?: string | undefined; maxMemory?: string | undefined },
  worlds: readonly World[],
): Resources {
  const memory = maxMemory === undefined ? Math.floor(totalmem() / 2) : parseSize(maxMemory, "max-memory");
  if (memory < LEAST_MEMORY) throw new PagekinError(`--max-memory ${maxMemory} is too little`, { hint: "give 1m or more" });
  const threads = workers === undefined ? defaultWorkers(worlds) : parseWorkers(workers);
  const tableLimit = Math.floor(Math.min((memory * TABLE_PART) / threads, MOST_TABLE_BYTES));
  return { workers: threads, bucketLimit: memory - threads * tableLimit, tableLimit };
}

function parseWorkers(text: string): number {
  const workers = Number(text);
  if (/^\d+$/.test(text) && workers >= 1 && workers <= 1024) return workers;
  throw new PagekinError(`--workers ${text} is no number of threads`, { hint: "give a number from 1 to 1024" });
}

function defaultWorkers(worlds: readonly World[]): number {
  const bytes = worlds
    .flatMap(({ snapshots }) => snapshots)
    .reduce((sum, { opened }) => {
      const plain = opened.format === "raw" && opened.compression === "none";
      return sum + opened.fileBytes * (plain ? 1 : COMPRESSED_WEIGHT);
    }, 0);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(bytes / BYTES_PER_WORKER)));
}
