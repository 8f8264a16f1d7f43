// Which addresses the blocks of RAM have. A stream does not say it, and only a machine's own RAM is where it must be.

import type { Range } from "../format.js";
import type { Block } from "./blocks.js";
import { addressOf, layoutOf, type RamLayout, spanOf } from "./layout.js";

/** Blocks that have no known address begin at multiples of it, so that pages of any size are pages of one block. */
const STRETCH = 2 ** 30;

export interface PlacedBlock {
  block: Block;
  layout: RamLayout;
  /** Of the block in the RAM that has this layout. */
  offset: number;
}

export interface Placement {
  /** In the order of their addresses. */
  blocks: PlacedBlock[];
  span: Range[];
  /** How many of the first blocks are the machine's own RAM, one behind the other. */
  own: number;
  /** Whether addresses of the machine's own RAM are those that the guest sees. */
  known: boolean;
}

/** machine: as the configuration section names it; blocks: those of RAM, as the stream lists them. */
export function placed(machine: string | undefined, blocks: readonly Block[]): Placement {
  const own = ownRam(blocks);
  const ownBytes = sumOf(own);
  const layout = layoutOf(machine, ownBytes);
  const span = own.length > 0 ? spanOf(layout, ownBytes) : [];
  let offset = 0;
  const all = own.map((block): PlacedBlock => {
    offset += block.bytes;
    return { block, layout, offset: offset - block.bytes };
  });
  let end = Math.max(0, ...span.map(({ address, bytes }) => address + bytes));
  for (const block of blocks) {
    if (own.includes(block)) continue;
    const base = Math.ceil(end / STRETCH) * STRETCH;
    end = base + block.bytes;
    all.push({ block, layout: { base, lowBytes: block.bytes, known: false }, offset: 0 });
    span.push({ address: base, bytes: block.bytes });
  }
  return { blocks: all, span, own: own.length, known: layout.known };
}

/** Where a block begins. */
export const startOf = ({ layout, offset }: PlacedBlock): number => addressOf(layout, offset);

const sumOf = (blocks: readonly Block[]) => blocks.reduce((sum, { bytes }) => sum + bytes, 0);

const LIBVIRT_NODE = /^(?:\/objects\/)?ram-node(\d+)$/;
/** As machines call the RAM that -m gives them: pc.ram, mach-virt.ram, ppc4xx.sdram, boston.ddr, ram. */
const MACHINE_RAM = /^[^/]*(^|[._-])(s?d?ram|ddr)$/;

/** The blocks that are the machine's own RAM, in order, if that is certain: one, or libvirt's, which numbers NUMA nodes. */
function ownRam(blocks: readonly Block[]): Block[] {
  if (blocks.length === 1) return [...blocks];
  const nodes = blocks
    .map((block) => ({ block, node: Number(LIBVIRT_NODE.exec(block.name)?.[1] ?? -1) }))
    .filter(({ node }) => node >= 0)
    .sort((a, b) => a.node - b.node);
  if (nodes.length > 0) return nodes.every(({ node }, i) => node === i) ? nodes.map(({ block }) => block) : [];
  const named = blocks.filter(({ name }) => MACHINE_RAM.test(name));
  return named.length === 1 ? named : [];
}
