const actions = new Set<() => void>();

/** Registers what must be undone when the program ends before its time, the last first; gives a function that takes it back. */
export function onExit(action: () => void): () => void {
  actions.add(action);
  return () => actions.delete(action);
}

/** Undoes everything; for main.ts. */
export function cleanUp(): void {
  for (const action of [...actions].reverse()) {
    try {
      action();
    } catch {
      // The others must be done all the same.
    }
  }
  actions.clear();
}
