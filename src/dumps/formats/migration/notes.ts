// What there is to say of a stream in words: where it ends, what is not in it, which addresses are not the guest's.

import { printable } from "../../../errors.js";
import { formatHex } from "../../../text/format.js";
import type { Block } from "./blocks.js";
import type { StreamEnd } from "./end.js";
import { type Placement, startOf } from "./placement.js";
import type { Walked } from "./walk.js";

const MOST_NAMES_SHOWN = 8;
const MOST_NAME_SHOWN = 64;

interface Missing {
  /** Bytes of RAM that are not in the stream. */
  missing: number;
  /** Blocks of which nobody knows what is plugged in. */
  unplugged: readonly Block[];
  /** Blocks that may be RAM, and do not count by their names. */
  leftOut: readonly Block[];
}

export function notesOf(
  walked: Walked,
  end: StreamEnd,
  placement: Placement,
  { missing, unplugged, leftOut }: Missing,
): string[] {
  const notes: string[] = [];
  const { machine } = walked.configuration;
  const { blocks, own, known } = placement;
  const cut = walked.cut ?? end.cut;
  if (cut) notes.push(`The file ends before ${cut.what}; ${consequence(walked)}.`);
  if (missing > 0) {
    const why = walked.cut ? "" : " (not plugged in, or given back by the guest)";
    notes.push(`${missing} bytes of RAM are not in the stream${why} and count as absent.`);
  }
  if (own > 1)
    notes.push("The RAM of several NUMA nodes is placed in the order of the numbers that libvirt gives them.");
  if (own < blocks.length) notes.push(placesNote(placement));
  if (own > 0 && !known) {
    const which =
      machine === undefined ? "The stream does not name its machine" : `Machine ${shown(machine)} is not known`;
    notes.push(`${which}; addresses are offsets in RAM block ${shown(blocks[0].block.name)}.`);
  }
  for (const { name } of unplugged.slice(0, MOST_NAMES_SHOWN))
    notes.push(`What a virtio-mem device has not plugged in of RAM block ${shown(name)} counts as zeros.`);
  if (leftOut.length > 0) {
    const blocks = listOf(leftOut, ({ name, bytes }) => `${shown(name)} (${bytes} bytes)`);
    notes.push(`Left out as memory of devices or firmware, by their names alone: ${blocks}.`);
  }
  if (end.rest) notes.push(restNote(end.rest));
  return notes;
}

/** Where blocks are whose addresses the stream does not give. */
function placesNote({ blocks, own, known }: Placement): string {
  const list = listOf(
    blocks,
    (placed) => `${shown(placed.block.name)} (${placed.block.bytes} bytes) at ${formatHex(startOf(placed))}`,
  );
  const first = own === 1 ? shown(blocks[0].block.name) : `the first ${own}`;
  const where =
    own > 0 && known
      ? `the machine type gives those of ${first}, the others begin at multiples of 1 GiB`
      : `${own > 1 ? "those but the first ones" : "they"} begin at multiples of 1 GiB`;
  return `RAM is in ${blocks.length} blocks: ${list}. A stream has no guest-physical addresses: ${where}.`;
}

function listOf<T>(all: readonly T[], textOf: (one: T) => string): string {
  const list = all.slice(0, MOST_NAMES_SHOWN).map(textOf).join(", ");
  const more = all.length - MOST_NAMES_SHOWN;
  return more > 0 ? `${list} and ${more} more (all with inspect --json)` : list;
}

/** A name of any length, with any bytes, in a sentence. */
function shown(name: string): string {
  return printable(name.length > MOST_NAME_SHOWN ? `${name.slice(0, MOST_NAME_SHOWN)}...` : name);
}

function restNote({ from, bytes, isZero }: NonNullable<StreamEnd["rest"]>): string {
  const what = isZero ? "zeros" : "not part of it (older data of a volume, perhaps) and were ignored";
  return `The stream ends at 0x${from.toString(16)}; the ${bytes} bytes behind it are ${what}.`;
}

/** What it means that the file is cut. */
function consequence({ cut, configuration }: Walked): string {
  if (!cut) return "RAM is complete";
  if (configuration.capabilities.has("mapped-ram")) return "RAM behind that is absent";
  return "pages that were sent later, or sent again, are absent or older than the others";
}
