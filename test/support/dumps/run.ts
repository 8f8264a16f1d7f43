// Runs `analyze` over one dump with pages of 4 KiB and gathers what it says.

import path from "node:path";
import { pagekin } from "../pagekin.js";
import { rowsOf } from "../table.js";

export interface Read {
  format: string;
  addressSpace: string;
  pages: number;
  zeroPages: number;
  contents: number;
  /** Bytes, as in the ledger. */
  nonzero: number;
  zero: number;
  elided: number;
  absent: number;
  outside: number;
  repeated: number;
  tail: number;
}

/** What is in a dump that can be read. */
export async function analyzed(folder: string, file: string, ...options: string[]): Promise<Read> {
  const args = ["analyze", file, "--page-size", "4k", "--out", "out", "--force", "--quiet", ...options];
  const { code, stderr } = await pagekin(args, { cwd: folder });
  if (code !== 0) throw new Error(`pagekin ${args.join(" ")}: exit ${code}: ${stderr}`);
  const [ledger] = rowsOf(path.join(folder, "out"), "ledger.csv");
  const [self] = rowsOf(path.join(folder, "out"), "self.csv");
  return {
    format: ledger.format,
    addressSpace: ledger.address_space,
    pages: Number(self.pages),
    zeroPages: Number(self.zero_pages),
    contents: Number(self.contents),
    nonzero: Number(ledger.nonzero_bytes),
    zero: Number(ledger.stored_zero_bytes),
    elided: Number(ledger.elided_zero_bytes),
    absent: Number(ledger.absent_bytes),
    outside: Number(ledger.outside_ram_bytes),
    repeated: Number(ledger.repeated_bytes),
    tail: Number(ledger.tail_bytes),
  };
}
