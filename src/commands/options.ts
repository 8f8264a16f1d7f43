// The options that several commands share, and what a command is.

import { FORMAT_NAMES } from "../dumps/formats/registry.js";
import { PagekinError } from "../errors.js";
import { TRACE_FORMATS } from "../sources/trace-formats.js";
import { splitName } from "../text/values.js";
import { choice, commas, count, flag, type Given, list, type Option, option, size, text } from "./option-kinds.js";

export const inventory = text("inventory", {
  describe: "CSV file naming sources, members, times and labels (path,member,time_s,LABEL...)",
});

export const pageSize = commas(
  size("page-size", {
    describe:
      "page sizes, comma-separated powers of two from 1k to 2m [default: 1k,2k,4k,8k,16k; for traces, the sizes they all hold]",
  }),
);

const maps = list(
  option(
    "resident",
    {
      describe:
        "bitmap of resident pages (one bit per 4 KiB, lowest first): MAP for a single dump, NAME[@SECONDS]=MAP for several",
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
    describe: "memory to count: RAM only, or also device memory and firmware in the dump",
  }),
  choice("holes", ["zero", "absent"], {
    default: "zero",
    describe: "how to read holes in sparse raw dumps: as zeros, or as absent pages (a diff snapshot)",
  }),
  choice("format", [...FORMAT_NAMES, ...TRACE_FORMATS], {
    describe: "format of the dumps [default: detected from their contents]",
  }),
  { ...maps, read: (given: Given) => mapsByName(maps.read(given)) },
  flag("allow-truncated", { describe: "accept truncated dumps; the missing part counts as absent" }),
] as const;

function mapsByName(named: [name: string, map: string][]): ReadonlyMap<string, string> {
  const byName = new Map(named);
  if (byName.size === named.length) return byName;
  throw new PagekinError("--resident given twice for one dump", { hint: "write NAME=MAP for each dump" });
}

/** A command's folder for results: its own, so that no command replaces the results of another. */
export const outOf = (command: string) => ({
  ...text("out", { default: `pagekin-out/${command}`, describe: "result folder" }),
  short: "o",
});
export const force = flag("force", { describe: "write to a folder that holds other files, leaving those alone" });
export const json = flag("json", { short: "j", describe: "print the summary as JSON" });
export const workers = count("workers", {
  least: 1,
  describe: "number of threads [default: one per processor, fewer for little data]",
});
export const hashSources = flag("hash-sources", { describe: "record the SHA-256 of every source in manifest.json" });
export const quiet = flag("quiet", { short: "q", describe: "print no summary and no progress" });
export const progress = flag("progress", {
  default: true,
  describe: "show progress on a terminal (--no-progress turns it off)",
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
        "memory for index and buckets, at least 1m; more data spills to temporary files [default: half of the memory available]",
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
  /** A command line, and what it shows; its traces are those of the package, or it says that it needs a clone. */
  example: [string, string];
  run(args: Arguments<T>): Promise<void>;
}

/** Any command, for main.ts, which parses the arguments by its table of options. */
export type AnyCommand = Omit<Command, "run"> & { run(args: never): Promise<void> };
