/** Names of dump formats, as ledger.csv has them. Apart from the formats themselves, so that help need not load these. */
export const FORMAT_NAMES = ["raw", "elf", "kdump", "lime", "avml", "qemu-migration", "virsh-save", "xen"] as const;

export type FormatName = (typeof FORMAT_NAMES)[number];
