/** Decodes data to so many bytes at a place of a target; false: they are damaged. */
export type Decode = (data: Uint8Array, target: Uint8Array, place: number, bytes: number) => boolean;
