// Raw dumps (QMP pmemsave, resident-page dumps, .vmem): byte n of the file is physical address n.

/** A stretch of a dump: the bytes at `offset` of the file are those at `address`. All are present or stored zero. */
export interface Extent {
  address: number;
  offset: number;
  bytes: number;
}

/** A raw dump is one extent; holes of a sparse file read as zeros and count as stored zero. */
export function planRaw(fileBytes: number): Extent[] {
  return [{ address: 0, offset: 0, bytes: fileBytes }];
}
