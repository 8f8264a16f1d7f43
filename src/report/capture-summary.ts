// What `capture` says: a line for each snapshot when it is there, and in the end where all is.

import { printable } from "../errors.js";
import { formatBytes, formatNumber } from "../text/format.js";
import { print, printJson } from "./terminal.js";

interface CapturedMember {
  member: string;
  file: string;
  storedBytes: number;
  swappedBytes: number;
  taken?: string;
  heldMs?: number;
  notes: readonly string[];
}

interface CapturedSnapshot {
  timeS: number;
  taken: string;
  heldMs: number;
  members: readonly CapturedMember[];
  /** By VM what its guest uses; undefined: it did not tell. */
  usage: readonly { vm: string; muvBytes: number | undefined }[];
}

interface Estimate {
  vms: number;
  bytes: number;
  ms: number | undefined;
}

export class Printer {
  private readonly told = new Set<string>();
  /** By time, of what was captured now. */
  private readonly lateS = new Map<number, number>();
  private estimatedMs: number | undefined;

  constructor(
    private readonly folder: string,
    private readonly how: { isJson: boolean; isQuiet: boolean },
    private readonly oneAtATime: boolean,
  ) {}

  private async say(text: string): Promise<void> {
    if (!this.how.isJson && !this.how.isQuiet) await print(printable(text));
  }

  async begin(done: number, all: number): Promise<void> {
    if (done === all) await this.say(`All ${all} snapshots are in ${this.folder}`);
    else if (done > 0) await this.say(`${done} of ${all} snapshots are there already`);
  }

  /** Before anything is paused, so that whoever does not want that long a pause can stop here. */
  async estimate({ vms, bytes, ms }: Estimate, snapshots: number): Promise<void> {
    this.estimatedMs = ms;
    const what = snapshots > 1 ? `Each of ${snapshots} snapshots` : "The snapshot";
    const isSeries = this.oneAtATime && vms > 1;
    const which = vms === 1 ? "1 VM" : isSeries ? `${vms} VMs one at a time, each` : `${vms} VMs together`;
    const most = isSeries ? "at most " : "";
    const length =
      ms === undefined
        ? `while QEMU writes its RAM (${most}${formatBytes(bytes)}); how long that takes is not known beforehand`
        : `for ${seconds(ms)} (${most}${formatBytes(bytes)} to read)`;
    await this.say(`${what} will pause ${which} ${length}`);
  }

  /** lateS: how much later than it belongs; 0 for as good as nothing. */
  async snapshot({ timeS, heldMs, members }: CapturedSnapshot, lateS: number): Promise<void> {
    this.lateS.set(timeS, lateS);
    const sizes = members.map(({ member, storedBytes }) => `${member} ${formatBytes(storedBytes)}`).join(", ");
    const late = lateS > 0 ? `, ${lateS.toFixed(1)} s late` : "";
    const each = this.oneAtATime && members.length > 1 ? "each for at most" : "for";
    const held = heldMs > 0 ? `; held ${each} ${(heldMs / 1000).toFixed(2)} s` : "";
    await this.say(`${formatNumber(timeS)} s: ${sizes}${held}${late}`);
    for (const { member, notes } of members) for (const note of notes) await this.note(`${member}: ${note}`);
  }

  /** Once, whatever its numbers are later. */
  private async note(text: string): Promise<void> {
    const kind = text.replace(/\d+/g, "");
    if (this.told.has(kind)) return;
    this.told.add(kind);
    await this.say(`  Note: ${text}`);
  }

  async end(snapshots: readonly CapturedSnapshot[]): Promise<void> {
    const usages = snapshots.flatMap(({ usage }) => usage);
    const silent = [...new Set(usages.filter(({ muvBytes }) => muvBytes === undefined).map(({ vm }) => vm))];
    if (silent.length > 0)
      await this.note(
        `${silent.join(", ")}: muv_bytes is empty in usage.csv where the guest did not tell what it uses (virtio-balloon)`,
      );
    await this.say(
      `In ${this.folder}: inventory.csv${usages.length > 0 ? ", usage.csv" : ""} and the files that it names`,
    );
    if (!this.how.isJson) return;
    const list = snapshots.map(({ timeS, taken, heldMs, members }) => ({
      time_s: timeS,
      taken,
      held_ms: heldMs,
      late_s: this.lateS.get(timeS) ?? null,
      members: members.map(({ member, file, storedBytes, swappedBytes, notes, ...own }) => ({
        ...{ member, file, stored_bytes: storedBytes, swapped_bytes: swappedBytes, notes },
        ...(own.taken !== undefined && { taken: own.taken, held_ms: own.heldMs }),
      })),
    }));
    const estimate = this.estimatedMs === undefined ? {} : { estimated_held_ms: Math.round(this.estimatedMs) };
    await printJson({ out: this.folder, ...estimate, snapshots: list, usage_unknown: silent });
  }
}

function seconds(ms: number): string {
  if (ms < 100) return "less than 0.1 s";
  return `about ${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.ceil(ms / 1000)} s`;
}
