// How much a replay may come to: rows of samples, of what members are given, and of decisions are all kept until the end.

import { PagekinError } from "../errors.js";
import { ScenarioFault } from "./scenario/parse.js";
import type { Scenario } from "./scenario/schema.js";

/** Of all runs together; each has an equal part. Some 200 bytes each. */
const MOST_ROWS = 2 ** 21;

export const rowsOfEach = (runs: number): number => Math.floor(MOST_ROWS / runs);

type Kind = "sample" | "redistribute" | "controller";

const KINDS: Record<Kind, [rows: string, hint: string]> = {
  sample: ["samples (of each group)", "sample less often, or replay fewer runs at a time"],
  redistribute: [
    "memory.csv (of each member)",
    "give memory out less often (redistribute: every), or replay fewer runs",
  ],
  controller: ["decisions", "let the controller decide less often (every), or replay fewer runs at a time"],
};

const tooMany = (kind: Kind, most: number) => `more than ${most} rows of ${KINDS[kind][0]} in a run`;

/** What is left of a run's rows. */
export class Room {
  private left: number;

  constructor(private readonly most: number) {
    this.left = most;
  }

  take(rows: number, kind: Kind): void {
    this.left -= rows;
    if (this.left < 0) throw new PagekinError(tooMany(kind, this.most), { hint: KINDS[kind][1] });
  }
}

/** Finds out beforehand that a run which lasts so long, at least, would come to too many samples. */
export function checkRows({ sample }: Scenario, endNs: number, groups: number, most: number): void {
  if ((Math.floor(endNs / sample) + 1) * groups <= most) return;
  throw new ScenarioFault(["sample"], tooMany("sample", most), KINDS.sample[1]);
}
