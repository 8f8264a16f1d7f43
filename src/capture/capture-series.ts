// Snapshot after snapshot: hold all, copy or hash what is resident, let all go, put the files in place.

import { setTimeout as sleep } from "node:timers/promises";
import { PagekinError, quoted } from "../errors.js";
import { Progress } from "../report/progress.js";
import { clockMs } from "../system/clock.js";
import type { Staging } from "../system/staging.js";
import { formatNumber } from "../text/format.js";
import { Guardian } from "./guardian.js";
import type { LiveTraceWriter } from "./live-trace.js";
import { hostUsage } from "./measure-usage.js";
import { memoryWriter } from "./memory-writer.js";
import { estimatePause, type PauseEstimate } from "./pause-estimate.js";
import type { MemberRecord, SeriesFolder, SnapshotRecord } from "./series.js";
import type { Subject } from "./subject.js";

export interface CaptureSettings {
  /** Writes traces in place of dumps. */
  traceWriter: LiveTraceWriter | undefined;
  /** One is held after the other, not all together. */
  oneAtATime: boolean;
  showProgress: boolean;
  /** Told before anything is held, if anything will be. */
  onEstimate?(estimate: PauseEstimate): Promise<void>;
  onSnapshot(snapshot: SnapshotRecord, lateS: number): Promise<void>;
}

/** A second of lateness is told. */
const LATE_S = 1;

/** Takes the snapshots that are missing. The first one is taken at once; the others come as far behind it as they belong. */
export async function captureSeries(
  subjects: readonly Subject[],
  series: SeriesFolder,
  settings: CaptureSettings,
): Promise<void> {
  const missing = series.missingTimes();
  if (missing.length === 0) return series.restoreTables();
  const writer = memoryWriter(settings.traceWriter);
  const { onEstimate, oneAtATime } = settings;
  const estimate = onEstimate && (await estimatePause(subjects, series, writer, oneAtATime));
  if (estimate) await onEstimate?.(estimate);
  const guardian = await Guardian.start();
  const began = clockMs();
  try {
    for (const timeS of missing) {
      const due = began + 1000 * (timeS - missing[0]);
      await sleep(Math.max(due - clockMs(), 0));
      const lateS = (clockMs() - due) / 1000;
      const snapshot = await takeSnapshot(subjects, series, timeS, guardian, settings);
      await settings.onSnapshot(snapshot, lateS >= LATE_S ? lateS : 0);
    }
  } finally {
    guardian.end();
  }
}

async function takeSnapshot(
  subjects: readonly Subject[],
  series: SeriesFolder,
  timeS: number,
  guardian: Guardian,
  { traceWriter, oneAtATime, showProgress }: CaptureSettings,
): Promise<SnapshotRecord> {
  const host = hostUsage();
  const usages = await Promise.all(subjects.map((subject) => subject.usage()));
  const usage = subjects.flatMap(({ name }, i) => {
    const own = usages[i];
    return own ? [{ vm: name, muvBytes: own.muvBytes, mupBytes: own.mupBytes, muhRate: host }] : [];
  });
  const expected = (await Promise.all(subjects.map((subject) => subject.expectedBytes()))).reduce((a, b) => a + b, 0);
  const staging = series.stage();
  let done = 0;
  const progress = Progress.ofBytes(expected, () => Math.min(done, expected), showProgress);
  const onBytes = (bytes: number) => {
    done += bytes;
  };
  try {
    const take = (some: readonly Subject[]) =>
      whileHeld(some, guardian, () => takeMembers(some, staging, timeS, { traceWriter, onBytes }));
    const { members, finish, ...when } = await (oneAtATime ? oneByOne(subjects, take) : take(subjects));
    for (const one of finish) await one();
    members.forEach((member, i) => {
      member.balloonBytes = usages[i]?.balloonBytes;
    });
    const snapshot = { timeS, ...when, members, usage };
    await series.add(snapshot, staging);
    return snapshot;
  } catch (error) {
    staging.remove();
    throw error;
  } finally {
    progress.stop();
  }
}

/** What was found of each, and what is left to do when all go on. */
interface Members {
  members: MemberRecord[];
  finish: (() => Promise<void>)[];
}

type Taken = Pick<SnapshotRecord, "taken" | "heldMs"> & Members;

/** The same with one after the other; each says when it was taken, and how long it was held. */
async function oneByOne(
  subjects: readonly Subject[],
  take: (some: readonly Subject[]) => Promise<Taken>,
): Promise<Taken> {
  const parts: Taken[] = [];
  for (const subject of subjects) parts.push(await take([subject]));
  return {
    taken: parts[0].taken,
    heldMs: Math.max(...parts.map(({ heldMs }) => heldMs)),
    members: parts.flatMap(({ members, taken, heldMs }) => members.map((one) => ({ ...one, taken, heldMs }))),
    finish: parts.flatMap(({ finish }) => finish),
  };
}

/** Stops all, does something, and lets all go whatever happens. */
async function whileHeld(
  subjects: readonly Subject[],
  guardian: Guardian,
  work: () => Promise<Members>,
): Promise<Taken> {
  // Asked each time: its owner may have paused or continued one meanwhile.
  const held = (await Promise.all(subjects.map((subject) => subject.toHold()))).flatMap((one) => one ?? []);
  const stopAsWanted = deferStop();
  try {
    await guardian.hold(held);
    const taken = new Date();
    const takenMs = clockMs();
    let members: Members | undefined;
    let failure: unknown;
    try {
      await allOf(subjects.map((subject) => subject.stop(guardian.lifeline)));
      members = await work();
    } catch (error) {
      failure = error;
    }
    await letAllGo(subjects, failure);
    await guardian.hold([]);
    if (!members) throw failure;
    const heldMs = held.length > 0 ? Math.round(clockMs() - takenMs) : 0;
    return { taken: taken.toISOString(), heldMs, ...members };
  } finally {
    stopAsWanted();
  }
}

/** Ctrl-Z has to wait until all go on again: the guardian lets them go when this process ends, not when it stands still. */
function deferStop(): () => void {
  let isWanted = false;
  const defer = () => {
    isWanted = true;
  };
  process.on("SIGTSTP", defer);
  return () => {
    process.off("SIGTSTP", defer);
    if (isWanted) process.kill(process.pid, "SIGSTOP");
  };
}

/** Whatever became of the one, the others are let go. */
async function letAllGo(subjects: readonly Subject[], failure: unknown): Promise<void> {
  const ends = await Promise.allSettled(subjects.map((subject) => subject.letGo()));
  const at = ends.findIndex(({ status }) => status === "rejected");
  if (at < 0) return;
  const [subject, end] = [subjects[at], ends[at] as PromiseRejectedResult];
  const before = failure instanceof Error ? ` (after: ${quoted(failure.message)})` : "";
  throw new PagekinError(`could not be continued: ${quoted((end.reason as Error).message)}${before}`, {
    file: subject.shownAs,
    hint: "continue it by hand",
  });
}

/** Waits for all, also where one fails, so that nothing comes late. */
async function allOf(promises: Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(promises);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

async function takeMembers(
  subjects: readonly Subject[],
  staging: Staging,
  timeS: number,
  { traceWriter, onBytes }: { traceWriter: LiveTraceWriter | undefined; onBytes(bytes: number): void },
): Promise<Members> {
  const members: MemberRecord[] = [];
  const finish: Members["finish"] = [];
  for (const subject of subjects) {
    const file = `${subject.name}@${formatNumber(timeS)}.${traceWriter ? "parquet" : subject.extension}`;
    const place = staging.place(file);
    const taken = await subject.take(place, staging, onBytes);
    const { live, storedBytes = 0, swappedBytes, notes } = taken;
    const record = { member: subject.name, file, storedBytes, swappedBytes, notes };
    if (live) {
      const written = await memoryWriter(traceWriter)(live, subject, timeS, place, onBytes);
      record.storedBytes = written.storedBytes;
      if (written.unreadBytes > 0) {
        // Of one that has ended nothing more could be read, so it is refused.
        live.memory.mappings();
        record.notes = [...notes, `${written.unreadBytes} bytes could not be read, and are absent`];
      }
    }
    if (swappedBytes > 0)
      record.notes = [...record.notes, `${swappedBytes} bytes are swapped out, so not resident, and are absent`];
    members.push(record);
    if (taken.finish) finish.push(taken.finish);
  }
  return { members, finish };
}
