// The page sizes that a run is made at.

import { isPageSize } from "../core/hasher.js";
import { PagekinError, quoted } from "../errors.js";
import { displayName } from "../sources/names.js";
import type { Snapshot, World } from "./world.js";

/** Page sizes that dumps are analyzed at unless others are asked for, in bytes. */
const DEFAULT_PAGE_SIZES = [1024, 2048, 4096, 8192, 16384];

/**
 * The page sizes of a run: those asked for, or the default ones; where sources are traces, those that all of them hold.
 * A trace that lacks a size asked for is an error that names those it has.
 */
export function choosePageSizes(worlds: readonly World[], askedFor: readonly number[] | undefined): number[] {
  const asked = askedFor && checkPageSizes(askedFor);
  const traces = worlds.flatMap(({ snapshots }) => snapshots).filter(({ trace }) => trace);
  if (!asked) {
    const sizes =
      traces.length === 0
        ? DEFAULT_PAGE_SIZES
        : (traces[0].trace?.pageSizes ?? []).filter((size) =>
            traces.every(({ trace }) => trace?.pageSizes.includes(size)),
          );
    if (sizes.length > 0) return sizes;
    throw new PagekinError(`the traces have no page size in common (${listSizes(traces)})`, {
      hint: "analyze them apart",
    });
  }
  for (const { source, trace } of traces) {
    const missing = asked.filter((size) => !trace?.pageSizes.includes(size));
    if (missing.length > 0) {
      throw new PagekinError(`the trace has no pages of ${missing.join(", ")} bytes`, {
        file: displayName(source.name),
        hint: `it has ${trace?.pageSizes.join(", ")}: choose from these`,
      });
    }
  }
  return asked;
}

/** Ascending, each once; an error if one is not a power of two from 1 KiB to 2 MiB. */
function checkPageSizes(asked: readonly number[]): number[] {
  const wrong = asked.find((bytes) => !isPageSize(bytes));
  if (wrong !== undefined) {
    throw new PagekinError(`invalid page size ${wrong}`, {
      hint: "give powers of two from 1k to 2m with --page-size",
    });
  }
  if (asked.length === 0) throw new PagekinError("no page size given", { hint: "give one, such as 4096" });
  return [...new Set(asked)].sort((a, b) => a - b);
}

function listSizes(traces: readonly Snapshot[]): string {
  const lists = traces.map(
    ({ source, trace }) => `${quoted(displayName(source.name), 40)}: ${trace?.pageSizes.join(" ")}`,
  );
  return lists.length > 3 ? `${lists.slice(0, 3).join("; ")}; ...` : lists.join("; ");
}
