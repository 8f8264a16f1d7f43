// bench/growth-kinds.mjs with types: inputs of every kind and size.

export interface GrowthKind {
  size: number;
  unit: string;
  /** Makes an input of a size in a folder; gives the command that takes it. */
  make(folder: string, size: number): string[];
}

export const { KINDS } = (await import(new URL("../../bench/growth-kinds.mjs", import.meta.url).href)) as {
  KINDS: Record<string, GrowthKind>;
};
