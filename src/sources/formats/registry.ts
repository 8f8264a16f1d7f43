// Every dump format; a new one is a file beside this one and a line here.

import { avml } from "./avml.js";
import { elf } from "./elf.js";
import type { DumpFormat } from "./format.js";
import { kdump } from "./kdump.js";
import { lime } from "./lime.js";
import { qemuMigration } from "./qemu-migration.js";
import { raw } from "./raw.js";
import { virshSave } from "./virsh-save.js";
import { xen } from "./xen.js";

/** The first whose probe says yes is taken; raw is what is left. */
const FORMATS: readonly DumpFormat[] = [kdump, xen, elf, lime, avml, qemuMigration, virshSave, raw];

/** The format of a file that begins so, if it has a signature. */
export function dumpFormatOf(head: Buffer): DumpFormat | undefined {
  return FORMATS.find((format) => format !== raw && format.probe(head));
}

export function dumpFormatNamed(name: string): DumpFormat {
  return FORMATS.find((format) => format.name === name) ?? raw;
}
