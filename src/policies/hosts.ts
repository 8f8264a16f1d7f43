// What policies save on each host. Pages are merged inside a host alone, so each is a world of its own.

import { withPagesApart } from "../sharing/excluded.js";
import { type Grouping, groupBy } from "../sharing/grouping.js";
import { split, type View } from "../sharing/view.js";
import { labelOf } from "../spectrum/spectrum.js";
import type { Pause } from "../system/pace.js";
import type { Policy } from "./policy.js";
import { NoGrouping } from "./units.js";

/** The label that names a member's host. */
export const HOST_LABEL = "host";
/** The only host, where members have no such label. */
const ONLY_HOST = "all";
/** Names in a sentence. */
const MOST_NAMES = 5;

export interface HostSettings {
  /** Whether members have the label `host`; else all are on one. */
  isLabelled: boolean;
  /** Of each host, in bytes. */
  memoryBytes: number | undefined;
}

/** A policy on one host. */
export interface HostResult {
  policy: string;
  host: string;
  members: number;
  pages: number;
  frames: number;
  /** Bytes of the frames, and those that must be free if all sharing broke at once: of the saved pages. */
  usedBytes: number;
  breakAllBytes: number;
  /** Means over the members: frames, and the frames that one adds to the others. */
  framesPerMember: number;
  nextMemberFrames: number;
  /** Where the host's memory is known. */
  capacity: Capacity | undefined;
}

/** How many more members fit into what the frames leave of a host's memory. */
export interface Capacity {
  hostBytes: number;
  /** Each adds what the mean one here adds to the others; undefined if that is nothing. */
  moreMembers: number | undefined;
  /** Each has the pages of the mean one here and shares nothing; undefined if that has no page. */
  moreMembersUnshared: number | undefined;
}

/** notes: sentences on what is in no row. */
export async function hostsOf(
  view: View,
  policies: readonly Policy[],
  settings: HostSettings,
  pause: Pause,
): Promise<{ hosts: HostResult[]; notes: string[] }> {
  const names = view.members.map((one) => (settings.isLabelled ? labelOf(one, HOST_LABEL) : ONLY_HOST));
  const homeless = view.members.filter((_, member) => names[member] === "").map(({ member }) => member);
  const notes = homeless.length > 0 ? [leftOut(homeless)] : [];
  const worlds = worldsOf(view, names);
  const hosts: HostResult[] = [];
  for (const policy of policies) {
    for (const { host, world } of worlds) {
      try {
        hosts.push(resultOf(policy.text, host, world, await countedOf(world, policy, pause), settings.memoryBytes));
      } catch (error) {
        if (!(error instanceof NoGrouping)) throw error;
        notes.push(`${policy.text} has no groups on host ${host}: ${error.message}`);
      }
      const turn = pause();
      if (turn) await turn;
    }
  }
  return { hosts, notes };
}

/** The members of each host by themselves; those without one are in none. */
function worldsOf(view: View, hostOf: readonly string[]): { host: string; world: View }[] {
  const { groups, of } = groupBy(hostOf);
  const homeless = groups.indexOf("");
  const partOf = Int32Array.from(of, (host) => (host === homeless ? -1 : host));
  return split(view, partOf, groups.length).flatMap((world, i) => (i === homeless ? [] : [{ host: groups[i], world }]));
}

function leftOut(members: readonly string[]): string {
  const more = members.length - MOST_NAMES;
  const names = [...members.slice(0, MOST_NAMES), ...(more > 0 ? [`${more} more`] : [])].join(", ");
  return `hosts.csv leaves out members without a host: ${names}`;
}

/** Frames, and over all members the frames that each adds to the others of its group. */
interface Counted {
  frames: number;
  added: number;
}

async function countedOf(world: View, policy: Policy, pause: Pause): Promise<Counted> {
  if (policy.kind === "zero-only") return countZeroOnly(world);
  const { excludes } = policy;
  const grouping = await policy.group(world, pause);
  return count(excludes ? withPagesApart(world, world.members.map(excludes)) : world, grouping);
}

function count({ sets }: View, { groups, of }: Grouping): Counted {
  const { starts, holders, contents } = sets;
  const holding = new Uint32Array(groups.length);
  const counted = { frames: 0, added: 0 };
  for (let set = 0; set < contents.length; set++) {
    for (let at = starts[set]; at < starts[set + 1]; at++) holding[of[holders[at]]]++;
    for (let at = starts[set]; at < starts[set + 1]; at++) {
      const group = of[holders[at]];
      if (holding[group] > 0) counted.frames += contents[set];
      if (holding[group] === 1) counted.added += contents[set];
      holding[group] = 0;
    }
  }
  return counted;
}

function countZeroOnly({ pages, zeros }: View): Counted {
  const nonzero = pages.reduce((sum, own, member) => sum + own - zeros[member], 0);
  const holders = zeros.filter((own) => own > 0).length;
  return { frames: nonzero + Math.min(holders, 1), added: nonzero + (holders === 1 ? 1 : 0) };
}

function resultOf(
  policy: string,
  host: string,
  { members: { length: members }, pages: own, pageBytes }: View,
  { frames, added }: Counted,
  hostBytes: number | undefined,
): HostResult {
  const pages = own.reduce((sum, one) => sum + one, 0);
  const usedBytes = frames * pageBytes;
  /** all: of all members together, in pages. */
  const more = (free: number, all: number) => (all > 0 ? Math.floor((free * members) / (all * pageBytes)) : undefined);
  const capacityOf = (bytes: number): Capacity => {
    const free = Math.max(0, bytes - usedBytes);
    return { hostBytes: bytes, moreMembers: more(free, added), moreMembersUnshared: more(free, pages) };
  };
  return {
    ...{ policy, host, members, pages, frames, usedBytes },
    breakAllBytes: (pages - frames) * pageBytes,
    framesPerMember: frames / members,
    nextMemberFrames: added / members,
    capacity: hostBytes === undefined ? undefined : capacityOf(hostBytes),
  };
}
