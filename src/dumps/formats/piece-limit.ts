import type { DumpFile } from "../dump-file.js";
import type { ExtentList } from "../extents.js";

/** So many extents take some 150 MB. */
const FREE_EXTENTS = 4 * 1024 * 1024;
/** Real dumps have kilobytes for each extent: 64 KiB of zeros are 3 KiB of snappy. */
const LEAST_FILE_BYTES = 64;

/** Refuses files of millions of tiny pieces, which would take many times their size in memory. */
export function checkPieces(file: DumpFile, extents: ExtentList, offset: number): void {
  if (extents.count > FREE_EXTENTS && offset < extents.count * LEAST_FILE_BYTES)
    throw file.fault(
      offset,
      `${extents.count} pieces up to here are less than ${LEAST_FILE_BYTES} bytes long on average`,
    );
}
