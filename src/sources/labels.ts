import type { Inventory } from "./inventory.js";
import { type LabelValues, nameOfDump } from "./names.js";

/** What an inventory says of members; each label has a value, which may be empty. */
export class Labels {
  private readonly none: LabelValues;
  private readonly bySnapshot = new Map<string, LabelValues>();
  private readonly byMember = new Map<string, LabelValues>();

  constructor(inventory: Inventory | undefined) {
    this.none = Object.fromEntries((inventory?.labelNames ?? []).map((name) => [name, ""]));
    for (const { member, timeS, labels } of inventory?.labels ?? []) this.note(member, timeS, labels);
    for (const source of inventory?.sources ?? []) {
      const { member, timeS } = nameOfDump(source);
      if (source.labels) this.note(member, timeS, source.labels);
    }
  }

  /** The first that are known of a member are those of its times that have none of their own, unless some are of all times. */
  private note(member: string, timeS: number | undefined, labels: LabelValues): void {
    if (timeS === undefined) this.byMember.set(member, labels);
    else this.bySnapshot.set(keyOf(member, timeS), labels);
    if (!this.byMember.has(member)) this.byMember.set(member, labels);
  }

  /** own: the labels of the row that named the source. */
  of(member: string, timeS: number, own: LabelValues | undefined): LabelValues {
    return own ?? this.known(member, timeS) ?? this.none;
  }

  /** Undefined where the inventory does not name the member. */
  known(member: string, timeS: number): LabelValues | undefined {
    return this.bySnapshot.get(keyOf(member, timeS)) ?? this.byMember.get(member);
  }
}

const keyOf = (member: string, timeS: number) => JSON.stringify([member, timeS]);
