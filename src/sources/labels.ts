import type { Inventory } from "./inventory.js";
import { nameOfFile } from "./names.js";

export type LabelValues = Readonly<Record<string, string>>;

/** What an inventory says of members; each label has a value, which may be empty. */
export class Labels {
  private readonly none: LabelValues;
  private readonly bySnapshot = new Map<string, LabelValues>();
  private readonly byMember: Map<string, LabelValues>;

  constructor(inventory: Pick<Inventory, "sources" | "labels" | "labelNames"> | undefined) {
    this.none = Object.fromEntries((inventory?.labelNames ?? []).map((name) => [name, ""]));
    this.byMember = new Map(inventory?.labels);
    for (const { path, member, timeS, labels } of inventory?.sources ?? []) {
      if (!labels) continue;
      const file = nameOfFile(path);
      const name = member ?? file.member;
      this.bySnapshot.set(JSON.stringify([name, timeS ?? file.timeS]), labels);
      if (!this.byMember.has(name)) this.byMember.set(name, labels);
    }
  }

  /** own: the labels of the row that named the source. */
  of(member: string, timeS: number, own: LabelValues | undefined): LabelValues {
    return own ?? this.known(member, timeS) ?? this.none;
  }

  /** Undefined where the inventory does not name the member. */
  known(member: string, timeS: number): LabelValues | undefined {
    return this.bySnapshot.get(JSON.stringify([member, timeS])) ?? this.byMember.get(member);
  }
}
