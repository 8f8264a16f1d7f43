// A series of snapshots in a folder: which times are missing, and how a snapshot comes there whole or not at all.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromSystem, PagekinError, quotedList } from "../errors.js";
import { OWN_PREFIX } from "../system/owner.js";
import { isThere, readPlainFile } from "../system/plain-file.js";
import { Staging, tidy } from "../system/staging.js";
import { type Column, tableOf, writeTable } from "../text/write-csv.js";
import { VERSION } from "../version.js";

const RECORD = "capture.json";
const MOST_RECORD_BYTES = 2 ** 28;
/** Times are kept to the millisecond, so that sums of them are what people expect. */
const MS = 1000;

/** What makes two command lines the same series. */
export interface SeriesSettings {
  members: string[];
  everyS: number;
  forS: number;
  /** What is captured, and how. */
  how: Record<string, unknown>;
}

/** What is known of one member's memory at one time. */
export interface MemberRecord {
  member: string;
  file: string;
  storedBytes: number;
  swappedBytes: number;
  balloonBytes?: number | undefined;
  /** Where one was held after the other: when this one was taken, and how long it was held. */
  taken?: string;
  heldMs?: number;
  notes: string[];
}

export interface SnapshotRecord {
  timeS: number;
  /** When it was taken. */
  taken: string;
  /**
   * Milliseconds from the first stop until all went on again; 0 where none was stopped for it. Where one was held after the
   * other: of the one that was held longest.
   */
  heldMs: number;
  members: MemberRecord[];
  usage: UsageRecord[];
}

/** What was measured beside a VM's dump. undefined: it could not be measured. */
export interface UsageRecord {
  vm: string;
  /** Memory that the guest uses, as it tells. */
  muvBytes: number | undefined;
  /** Memory of the host that the VM's process has. */
  mupBytes: number | undefined;
  /** How much of the host's memory is used, from 0 to 1. */
  muhRate: number;
}

interface Record_ {
  pagekin: string;
  settings: SeriesSettings;
  snapshots: SnapshotRecord[];
}

const INVENTORY_COLUMNS: readonly Column<MemberRecord & { timeS: number }>[] = [
  ["path", ({ file }) => file, "text"],
  ["member", ({ member }) => member, "text"],
  ["time_s", ({ timeS }) => timeS, "number"],
];

/** As a replay reads them. */
const USAGE_COLUMNS: readonly Column<UsageRecord & { timeS: number }>[] = [
  ["time_s", ({ timeS }) => timeS, "number"],
  ["vm", ({ vm }) => vm, "text"],
  ["muv_bytes", ({ muvBytes }) => muvBytes, "number"],
  ["mup_bytes", ({ mupBytes }) => mupBytes, "number"],
  ["muh_rate", ({ muhRate }) => muhRate, "rate"],
];

/** The times of a series, in seconds: the first and the last one are in it. */
export function timesOf({ everyS, forS }: Pick<SeriesSettings, "everyS" | "forS">): number[] {
  if (everyS === 0) return [0];
  const count = Math.floor((forS * MS) / Math.round(everyS * MS) + 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => (i * Math.round(everyS * MS)) / MS);
}

export class SeriesFolder {
  private readonly record: Record_;

  private constructor(
    readonly folder: string,
    settings: SeriesSettings,
    snapshots: SnapshotRecord[],
  ) {
    this.record = { pagekin: VERSION, settings, snapshots };
  }

  /** A new folder, an empty one, or one that the same command has begun to fill. */
  static async open(folder: string, settings: SeriesSettings): Promise<SeriesFolder> {
    try {
      await tidy(folder);
      const there = readdirSync(folder).filter((file) => !file.startsWith(OWN_PREFIX));
      if (there.length === 0) return new SeriesFolder(folder, settings, []);
      if (!there.includes(RECORD)) {
        const hint = "name a new folder with --out";
        throw new PagekinError(`contains unrelated files (${quotedList(there)})`, {
          file: folder,
          hint,
        });
      }
      return new SeriesFolder(folder, settings, snapshotsIn(folder, settings));
    } catch (error) {
      throw fromSystem(error, folder);
    }
  }

  get snapshots(): readonly SnapshotRecord[] {
    return this.record.snapshots;
  }

  missingTimes(): number[] {
    const done = new Set(this.snapshots.map(({ timeS }) => timeS));
    return timesOf(this.record.settings).filter((time) => !done.has(time));
  }

  /** Where the files of a snapshot are written until it is complete. */
  stage(): Staging {
    try {
      return Staging.open(this.folder, 0o700);
    } catch (error) {
      throw fromSystem(error, this.folder);
    }
  }

  /** Moves a snapshot's files to their places; then the inventory names them. */
  async add(snapshot: SnapshotRecord, staging: Staging): Promise<void> {
    try {
      this.record.snapshots = [...this.snapshots, snapshot].sort((a, b) => a.timeS - b.timeS);
      const tables = await this.writeTables(staging);
      writeFileSync(staging.place(RECORD).path, `${JSON.stringify(this.record, null, 2)}\n`, { mode: 0o600 });
      await this.commit(staging, [...snapshot.members.map(({ file }) => file), ...tables, RECORD]);
    } catch (error) {
      this.record.snapshots = this.snapshots.filter((one) => one !== snapshot);
      throw fromSystem(error, this.folder);
    }
  }

  /** Of a complete series: makes the tables that were removed. One that is there may have labels by now. */
  async restoreTables(): Promise<void> {
    const staging = this.stage();
    try {
      const tables = await this.writeTables(staging);
      const missing = tables.filter((file) => !isThere(path.join(this.folder, file)));
      await this.commit(staging, missing);
    } catch (error) {
      staging.remove();
      throw fromSystem(error, this.folder);
    }
  }

  /** The answer is their names. */
  private async writeTables(staging: Staging): Promise<string[]> {
    const files = this.snapshots.flatMap(({ timeS, members }) => members.map((member) => ({ ...member, timeS })));
    const usages = this.snapshots.flatMap(({ timeS, usage }) => usage.map((one) => ({ ...one, timeS })));
    const tables = [tableOf("inventory.csv", INVENTORY_COLUMNS, files)];
    if (usages.length > 0) tables.push(tableOf("usage.csv", USAGE_COLUMNS, usages));
    for (const table of tables) await writeTable(staging.place(table.file).path, table, 0o600);
    return tables.map(({ file }) => file);
  }

  /** The record, which is last, is gone while the others change. */
  private commit(staging: Staging, files: readonly string[]): Promise<void> {
    const isReplaced = (file: string) => isThere(path.join(this.folder, file));
    return staging.commit(() => ({ files, replaced: files.filter(isReplaced).toReversed() }));
  }
}

/** The snapshots of an earlier run of the same command whose files are all there. */
function snapshotsIn(folder: string, settings: SeriesSettings): SnapshotRecord[] {
  const file = path.join(folder, RECORD);
  let record: Record_;
  try {
    record = JSON.parse(readPlainFile(file, MOST_RECORD_BYTES) ?? "");
    if (!Array.isArray(record.snapshots)) throw new Error();
  } catch {
    throw new PagekinError("is not the record of a capture", { file, hint: "name a new folder with --out" });
  }
  if (JSON.stringify(record.settings) !== JSON.stringify(settings)) {
    const hint = "repeat the command that began it, or name a new folder with --out";
    throw new PagekinError("another capture is in this folder", { file: folder, hint });
  }
  return record.snapshots.filter(({ members }) => members.every(({ file }) => existsSync(path.join(folder, file))));
}
