// From an offset in the RAM block to the guest-physical address. On x86 RAM has a hole below 4 GiB that no block shows.

import type { Range } from "../format.js";

const FOUR_GIB = 2 ** 32;

export interface RamLayout {
  /** Where RAM begins. */
  base: number;
  /** Bytes of RAM before the hole. */
  lowBytes: number;
  /** Whether the machine is one whose layout is known; otherwise addresses are offsets in the block. */
  known: boolean;
}

/** [machines, from how many bytes on RAM is split, bytes before the hole then]. The first that fits counts. */
const SPLIT: readonly [machines: RegExp, from: number, low: number][] = [
  [/^pc-q35-1\./, 0xb0000000, 0xb0000000],
  [/^pc-q35-/, 0xb0000000, 0x80000000],
  [/^pc-(i440fx-1|[01])\./, 0xe0000000, 0xe0000000],
  [/^pc-i440fx-/, 0xe0000000, 0xc0000000],
  [/^microvm/, 0xc0000000, 0xc0000000],
  // RAM is in one piece from address 0 on.
  [/^(s390-ccw-virtio|pseries)-/, Number.POSITIVE_INFINITY, 0],
];
/** Only Arm's `virt` has a version in its name; those of other processors begin elsewhere. */
const ARM_VIRT = /^virt-/;
const ARM_VIRT_BASE = 0x40000000;

/** Only old PCs do not name themselves, and none of them splits less RAM than this. */
const UNNAMED_SPLIT = 0xb0000000;

/** The layout of a machine as the configuration section names it. */
export function layoutOf(machine: string | undefined, ramBytes: number): RamLayout {
  if (machine === undefined) return { base: 0, lowBytes: ramBytes, known: ramBytes < UNNAMED_SPLIT };
  if (ARM_VIRT.test(machine)) return { base: ARM_VIRT_BASE, lowBytes: ramBytes, known: true };
  const split = SPLIT.find(([machines]) => machines.test(machine));
  if (!split) return { base: 0, lowBytes: ramBytes, known: false };
  const [, from, low] = split;
  return { base: 0, lowBytes: ramBytes < from ? ramBytes : low, known: true };
}

export function addressOf({ base, lowBytes }: RamLayout, offset: number): number {
  return offset < lowBytes ? base + offset : FOUR_GIB + (offset - lowBytes);
}

/** All RAM, as ranges of addresses. */
export function spanOf(layout: RamLayout, ramBytes: number): Range[] {
  const low = { address: layout.base, bytes: layout.lowBytes };
  const high = { address: FOUR_GIB, bytes: ramBytes - layout.lowBytes };
  return high.bytes > 0 ? [low, high] : [low];
}
