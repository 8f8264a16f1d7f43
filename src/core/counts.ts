// What the core counts, as plain data: the library's types are made of it.

/** Copy vectors, each once: which members hold a content, in how many copies. In the order of members, then of copies. */
export interface Vectors {
  /** Where each vector's holders begin, and at the end where they end. */
  starts: Uint32Array;
  /** Numbers of members, ascending in each vector, and how many copies each has. */
  holders: Uint32Array;
  copies: Uint32Array;
  /** By vector: the contents that have exactly it. */
  contents: Float64Array;
}

/** Two members (a < b) and the number of contents that both hold. */
export interface PairCount {
  a: number;
  b: number;
  contents: number;
}

/** A group's counters: as the kernel's of the same name, and what its work comes to. */
export interface ScanCounters {
  pagesScanned: number;
  fullScans: number;
  pagesShared: number;
  pagesSharing: number;
  pagesUnshared: number;
  pagesSkipped: number;
  zeroPages: number;
  stableNodeChains: number;
  stableNodeDups: number;
  /** Records of pages. */
  items: number;
  cowBreaks: number;
  checksums: number;
  compares: number;
  merges: number;
  /** Compares that found the same content. */
  equals: number;
  /** Frames saved at this moment, breaks counted at once. */
  savedFrames: number;
}
