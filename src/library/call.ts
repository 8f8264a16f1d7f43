// A call of the library: its signal, and the progress that it reports.

import { withSignal } from "../system/abort.js";

/** What every call that takes long may be given. */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason once all files are closed and temporary ones are gone. */
  signal?: AbortSignal | undefined;
}

/**
 * Bytes of the sources that were read so far, and in all; undefined: not known, of compressed files and pipes. Called some
 * times a second, and once when all is read. An error that it throws ends the call.
 */
export type OnProgress = (bytesDone: number, bytesTotal: number | undefined) => void;

const EVERY_MS = 100;

/** Does the work of a call. Once it is aborted it rejects with the reason, whatever that has made of the work. */
export async function inCall<T>({ signal }: CallOptions, work: () => Promise<T>): Promise<T> {
  if (!signal) return work();
  signal.throwIfAborted();
  const ended = withSignal(signal, work);
  // A result that came too late, or an error that the abort has led to.
  await ended.catch(() => {});
  signal.throwIfAborted();
  return ended;
}

/** The same with progress. work: gets a function to call when what is to be read is known; `done` says how much was. */
export async function inReportingCall<T>(
  { signal, onProgress }: CallOptions & { onProgress?: OnProgress | undefined },
  work: (report: (bytesTotal: number | undefined, done: () => number) => void) => Promise<T>,
): Promise<T> {
  if (!onProgress) return inCall({ signal }, () => work(() => {}));
  const failed = new AbortController();
  const either = AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]);
  let timer: NodeJS.Timeout | undefined;
  let last = (): void => {};
  const report = (bytesTotal: number | undefined, done: () => number) => {
    const tell = (bytes: number) =>
      onProgress(bytesTotal === undefined ? bytes : Math.min(bytes, bytesTotal), bytesTotal);
    last = () => tell(bytesTotal ?? done());
    timer = setInterval(() => {
      try {
        tell(done());
      } catch (error) {
        failed.abort(error);
      }
    }, EVERY_MS);
    timer.unref();
  };
  try {
    const result = await inCall({ signal: either }, () => work(report));
    last();
    either.throwIfAborted();
    return result;
  } finally {
    clearInterval(timer);
  }
}
