// A plain twin of growth.csv and hosts.csv: frames of each subset of members, and of each host's members by themselves.

import { Fraction } from "./fraction.js";
import {
  contentsOf,
  contentsUnder,
  framesOf,
  type Group,
  type PolicyMember,
  type PolicyWorld,
  type TwinPolicy,
} from "./policy-twin.js";
import { formatTime, type Row } from "./table.js";

interface HostCase {
  labelNames: readonly string[];
  hostBytes: number | undefined;
}

/** Whether there is a hosts.csv. */
export const hasHosts = ({ labelNames, hostBytes }: HostCase): boolean =>
  labelNames.includes("host") || hostBytes !== undefined;

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const names = (members: readonly PolicyMember[]) => members.map(({ name }) => name);

/** All subsets of a list. */
function subsets(list: readonly string[]): string[][] {
  return Array.from({ length: 2 ** list.length }, (_, bits) => list.filter((_, i) => bits & (1 << i)));
}

/** A row for each number of members: the mean, least and most of all subsets, and of all ways to add the last to the others. */
export function twinGrowth(worlds: readonly PolicyWorld[]): Row[] {
  return worlds.flatMap((world) => {
    const { timeS, pageBytes, members } = world;
    const contents = contentsOf(world, "counted");
    const all = subsets(names(members));
    return members.map((_, i) => {
      const ofSize = all.filter((subset) => subset.length === i + 1);
      const frames = ofSize.map((subset) => framesOf(contents, subset));
      const further = ofSize.flatMap((subset, number) =>
        subset.map((last) => {
          const before = subset.filter((member) => member !== last);
          return frames[number] - framesOf(contents, before);
        }),
      );
      const megabytes = (count: number, of = 1) => String(new Fraction(count * pageBytes, of * 1_000_000));
      return {
        time_s: formatTime(timeS),
        page_bytes: String(pageBytes),
        members: String(i + 1),
        expected_frames: String(new Fraction(sum(frames), frames.length)),
        least_frames: String(Math.min(...frames)),
        most_frames: String(Math.max(...frames)),
        mb_per_further_vm: megabytes(sum(further), further.length),
        least_mb_per_further_vm: megabytes(Math.min(...further)),
        most_mb_per_further_vm: megabytes(Math.max(...further)),
      };
    });
  });
}

export function twinHosts(worlds: readonly PolicyWorld[], policies: readonly TwinPolicy[], given: HostCase): Row[] {
  const hostOf = ({ labels }: PolicyMember) => (given.labelNames.includes("host") ? labels.host : "all");
  return worlds.flatMap((world) => {
    const hosts = [...new Set(world.members.map(hostOf))].filter((host) => host !== "");
    return policies.flatMap((policy) =>
      hosts.flatMap((host) => {
        const members = world.members.filter((member) => hostOf(member) === host);
        return hostRow({ ...world, members }, policy, host, given.hostBytes);
      }),
    );
  });
}

function hostRow(world: PolicyWorld, policy: TwinPolicy, host: string, hostBytes: number | undefined): Row[] {
  const { timeS, pageBytes, members } = world;
  const groups: readonly Group[] =
    policy.groups === "zero-only" ? [{ name: "all", members: names(members) }] : policy.groups(world, "counted");
  // A host may have too few members for a policy.
  if (sum(groups.map((group) => group.members.length)) < members.length) return [];
  const contents = contentsUnder(policy, world, "counted");
  const framesWithout = (gone?: string) =>
    sum(
      groups.map((group) =>
        framesOf(
          contents,
          group.members.filter((member) => member !== gone),
        ),
      ),
    );
  const pages = sum(members.map((one) => one.pages.length));
  const frames = framesWithout();
  const added = sum(names(members).map((member) => frames - framesWithout(member)));
  const free = BigInt(Math.max(0, (hostBytes ?? 0) - frames * pageBytes));
  const fitting = (all: number) =>
    hostBytes === undefined || all === 0 ? "" : String((free * BigInt(members.length)) / BigInt(all * pageBytes));
  return [
    {
      time_s: formatTime(timeS),
      page_bytes: String(pageBytes),
      policy: policy.text,
      host,
      members: String(members.length),
      pages: String(pages),
      frames: String(frames),
      saved_pages: String(pages - frames),
      used_bytes: String(frames * pageBytes),
      break_all_bytes: String((pages - frames) * pageBytes),
      frames_per_member: String(new Fraction(frames, members.length)),
      next_member_frames: String(new Fraction(added, members.length)),
      host_bytes: String(hostBytes ?? ""),
      more_members: fitting(added),
      more_members_unshared: fitting(pages),
    },
  ];
}
