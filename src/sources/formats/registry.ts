// Every dump format; a new one is a file beside this one and a line here.

import type { DumpFormat } from "./format.js";
import { raw } from "./raw.js";

/** The first whose probe says yes is taken; raw is what is left. */
const FORMATS: readonly DumpFormat[] = [raw];

/** The format of a file that begins so, if it has a signature. */
export function dumpFormatOf(head: Buffer): DumpFormat | undefined {
  return FORMATS.find((format) => format !== raw && format.probe(head));
}

export function dumpFormatNamed(name: string): DumpFormat {
  return FORMATS.find((format) => format.name === name) ?? raw;
}
