// The options that several commands share, and what a command is.

import { FORMAT_NAMES } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import { TRACE_FORMATS } from "../sources/trace-formats.js";
import { splitName } from "../text/values.js";
import { choice, commas, count, flag, type Given, list, type Option, option, size, text } from "./option-kinds.js";

export const inventory = text("inventory", {
  describe: "CSV that names sources, members, times and labels (path,member,time_s,LABEL...)",
});

export const pageSize = commas(
  size("page-size", {
    describe:
      "page sizes, powers of two from 1k to 2m, by commas [default: 1k,2k,4k,8k,16k; of traces those they all hold]",
  }),
);

const maps = list(
  option(
    "resident",
    {
      describe:
        "map of resident pages (a bit for each 4 KiB, lowest first): MAP for one dump, NAME[@SECONDS]=MAP for each of several",
    },
    (given): [name: string, map: string] => {
      const named = splitName(given);
      return named ? [named.name, named.rest] : ["", given];
    },
  ),
);

export const sourceOptions = [inventory, pageSize] as const;

/** How dumps are read. The arguments of a command that has these options are DumpSettings. */
export const dumpOptions = [
  choice("ranges", ["ram", "all"], {
    default: "ram",
    describe: "memory that counts: RAM alone, or also devices and firmware that a dump holds",
  }),
  choice("holes", ["zero", "absent"], {
    default: "zero",
    describe: "holes of sparse raw dumps: zeros, or absent pages (a diff snapshot)",
  }),
  choice("format", [...FORMAT_NAMES, ...TRACE_FORMATS], {
    describe: "format of the dumps [default: what their contents tell]",
  }),
  { ...maps, read: (given: Given) => mapsByName(maps.read(given)) },
  flag("allow-truncated", { describe: "read what is there of a dump that ends early; the rest counts as absent" }),
] as const;

function mapsByName(named: [name: string, map: string][]): ReadonlyMap<string, string> {
  const byName = new Map(named);
  if (byName.size === named.length) return byName;
  throw new PagekinError("--resident is given twice for one dump", { hint: "write NAME=MAP for each dump" });
}

/** A command's folder for results: its own, so that no command replaces the results of another. */
export const outOf = (command: string) => ({
  ...text("out", { default: `pagekin-out/${command}`, describe: "folder for the results" }),
  short: "o",
});
export const force = flag("force", { describe: "write even if the folder holds other files, and leave those alone" });
export const json = flag("json", { short: "j", describe: "print the summary as JSON" });
export const workers = count("workers", {
  least: 1,
  describe: "threads, from 1 [default: the processors, fewer for little data]",
});
export const hashSources = flag("hash-sources", { describe: "note the SHA-256 of every source in manifest.json" });
export const quiet = flag("quiet", { short: "q", describe: "print no summary and no progress" });
export const progress = flag("progress", {
  default: true,
  describe: "show progress on a terminal (--no-progress: never)",
});

/** What commands that write results have. */
export const runOptionsOf = (command: string) =>
  [
    outOf(command),
    force,
    json,
    workers,
    size("max-memory", {
      describe:
        "memory for index and buckets, from 1m; beyond it temporary files [default: half of what the process may use]",
    }),
    hashSources,
    quiet,
    progress,
  ] as const;

type CamelCase<N extends string> = N extends `${infer Word}-${infer Rest}`
  ? `${Word}${Capitalize<CamelCase<Rest>>}`
  : N;

/** What a command gets: the parsed values of its options, by name in camel case, and its operands. */
export type Arguments<T extends readonly Option[]> = {
  [O in T[number] as CamelCase<O["name"]>]: ReturnType<O["read"]>;
} & {
  /** The operands. */
  sources: string[];
  /** The options as written on the command line, defaults included, by name. */
  given: Record<string, Given>;
};

/** A command that takes SOURCE... . */
export interface Command<T extends readonly Option[] = readonly Option[]> {
  options: T;
  /** What it takes besides options, if that is no SOURCE... . */
  operands?: { usage: string; lines: string[]; isNone?: boolean };
  /** What its help says besides. */
  about?: string;
  /** A command line that works in a clone, and what it shows. */
  example: [string, string];
  run(args: Arguments<T>): Promise<void>;
}

/** Any command, for main.ts, which parses the arguments by its table of options. */
export type AnyCommand = Omit<Command, "run"> & { run(args: never): Promise<void> };
