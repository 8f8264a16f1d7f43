// The signal of a call of the library. It goes with the call's asynchronous work, so that calls side by side have their own,
// and whatever waits or takes long can ask for it; commands have none.

import { AsyncLocalStorage } from "node:async_hooks";

const current = new AsyncLocalStorage<AbortSignal>();

/** Work that `breathe` and waiting for threads and pipes end when the signal is aborted. */
export const withSignal = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => current.run(signal, work);

/** The signal of the call that this work is for. */
export const currentSignal = (): AbortSignal | undefined => current.getStore();
