import { NANOSECONDS } from "../replay/time.js";
import { onExit } from "../system/cleanup.js";
import { clockMs } from "../system/clock.js";
import { formatBytes, formatNumber } from "../text/format.js";
import { bytesInAll, type Snapshot } from "../worlds/world.js";
import { isDumb } from "./terminal.js";

const EVERY_MS = 100;
/** Columns that the longest text beside the bar may take. */
const BESIDE_BAR = 60;
const [LEAST_BAR, MOST_BAR] = [5, 40];

/** What is shown: how much is done, of how much (0: nobody knows), and how a line about it reads. */
interface Work {
  total: number;
  done(): number;
  /** With {bar}, {percentage}, {done}, {all}, {speed}, {left}; of a work whose total is known, and of another. */
  formats: [known: string, unknown: string];
  text(amount: number): string;
}

/** Shows what is done and the time left on stderr while work goes on; nothing unless stderr is a terminal. */
export class Progress {
  private timer: NodeJS.Timeout | undefined;
  private bar: import("cli-progress").SingleBar | undefined;
  private forget: () => void = () => {};
  private readonly began = clockMs();

  /** Seconds that the work took, when it has stopped. */
  seconds = 0;

  private constructor(
    private readonly work: Work,
    show: boolean,
  ) {
    if (!show || !process.stderr.isTTY || isDumb()) return;
    this.timer = setTimeout(() => this.start(), EVERY_MS);
    this.timer.unref();
    // However the program ends, the cursor must be there again.
    this.forget = onExit(() => this.bar?.stop());
  }

  /** Of reading sources: bytes done, and throughput. */
  static ofSources(snapshots: readonly Pick<Snapshot, "source">[], bytesDone: () => number, show: boolean): Progress {
    const work: Work = {
      total: bytesInAll(snapshots) ?? 0,
      done: bytesDone,
      formats: ["{bar} {percentage} % | {done} of {all} | {speed}/s | {left} left", "{done} | {speed}/s"],
      text: (bytes) => formatBytes(Math.round(bytes)),
    };
    return new Progress(work, show);
  }

  /** Of reading memory of which it is known about how much there is. */
  static ofBytes(total: number, done: () => number, show: boolean): Progress {
    const format = "{bar} {percentage} % | {done} of {all} | {speed}/s | {left} left";
    return new Progress(
      { total, done, formats: [format, format], text: (bytes) => formatBytes(Math.round(bytes)) },
      show,
    );
  }

  /** Of runs of a replay: virtual time. untilNs: by run its end; undefined: not known. */
  static ofRuns(untilNs: readonly (number | undefined)[], clocks: Float64Array, show: boolean): Progress {
    const known = untilNs.every((ns) => ns !== undefined);
    const work: Work = {
      total: known ? untilNs.reduce((sum, ns) => sum + (ns ?? 0), 0) : 0,
      done: () => clocks.reduce((sum, ns) => sum + ns, 0),
      formats: ["{bar} {percentage} % | {done} of {all} replayed | {left} left", "{done} replayed"],
      text: (ns) => `${formatNumber(Math.round(ns / NANOSECONDS))} s`,
    };
    return new Progress(work, show);
  }

  private async start(): Promise<void> {
    const { default: cliProgress } = await import("cli-progress");
    if (!this.timer) return;
    this.bar = new cliProgress.SingleBar({
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 50,
      // Both are ASCII, for any locale.
      barCompleteChar: "=",
      barIncompleteChar: "-",
      barsize: Math.min(MOST_BAR, Math.max(LEAST_BAR, process.stderr.columns - BESIDE_BAR)),
      format: this.work.formats[this.work.total > 0 ? 0 : 1],
    });
    this.bar.start(Math.max(1, this.work.total), 0, this.numbers());
    this.timer = setInterval(() => this.bar?.update(this.work.done(), this.numbers()), EVERY_MS);
    this.timer.unref();
  }

  private numbers(): Record<string, string> {
    const { total, text } = this.work;
    const done = this.work.done();
    const seconds = (clockMs() - this.began) / 1000;
    const left = done > 0 ? Math.max(0, (seconds * (total - done)) / done) : 0;
    return {
      done: text(done),
      all: text(total),
      speed: text(done / seconds),
      left: left < 60 ? `${Math.ceil(left)} s` : `${Math.floor(left / 60)} min ${Math.ceil(left % 60)} s`,
    };
  }

  stop(): void {
    this.seconds = (clockMs() - this.began) / 1000;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.bar?.stop();
    this.forget();
  }
}
