import { onExit } from "../cleanup.js";
import type { World } from "../fingerprints/worlds.js";
import { formatBytes } from "./format.js";

const EVERY_MS = 100;

/** Shows bytes done, throughput and time left on stderr while work goes on; nothing unless stderr is a terminal. */
export class Progress {
  private timer: NodeJS.Timeout | undefined;
  private bar: import("cli-progress").SingleBar | undefined;
  private forget: () => void = () => {};
  private readonly began = Date.now();

  /** Seconds that the work took, when it has stopped. */
  seconds = 0;
  private readonly totalBytes: number;

  constructor(
    worlds: readonly World[],
    private readonly bytesDone: () => number,
    show: boolean,
  ) {
    const files = worlds.flatMap(({ snapshots }) => snapshots.map(({ opened }) => opened));
    // What a compressed file or a pipe will hold is not known; then there is no end to show.
    const known = files.every(({ compression, pipe }) => compression === "none" && !pipe);
    this.totalBytes = known ? files.reduce((sum, { fileBytes }) => sum + fileBytes, 0) : 0;
    if (!show || !process.stderr.isTTY) return;
    this.timer = setTimeout(() => this.start(), EVERY_MS);
    this.timer.unref();
    // However the program ends, the cursor must be there again.
    this.forget = onExit(() => this.bar?.stop());
  }

  private async start(): Promise<void> {
    const { default: cliProgress } = await import("cli-progress");
    if (!this.timer) return;
    this.bar = new cliProgress.SingleBar({
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 50,
      format:
        this.totalBytes > 0 ? "{bar} {percentage} % | {done} of {all} | {speed}/s | {left} left" : "{done} | {speed}/s",
    });
    this.bar.start(Math.max(1, this.totalBytes), 0, this.numbers());
    this.timer = setInterval(() => this.bar?.update(this.bytesDone(), this.numbers()), EVERY_MS);
    this.timer.unref();
  }

  private numbers(): Record<string, string> {
    const done = this.bytesDone();
    const seconds = (Date.now() - this.began) / 1000;
    const left = done > 0 ? Math.max(0, (seconds * (this.totalBytes - done)) / done) : 0;
    return {
      done: formatBytes(done),
      all: formatBytes(this.totalBytes),
      speed: formatBytes(Math.round(done / seconds)),
      left: left < 60 ? `${Math.ceil(left)} s` : `${Math.floor(left / 60)} min ${Math.ceil(left % 60)} s`,
    };
  }

  stop(): void {
    this.seconds = (Date.now() - this.began) / 1000;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.bar?.stop();
    this.forget();
  }
}
