// What happens in a run besides its samples, as plain data: decisions, and memory that is given out.

/** A decision, as decisions.csv has it. `from` and `to` are in the unit of the action: pages, bytes, milliseconds. */
export interface Decision {
  subject: string;
  /** What that is the name of: a group or a member may be called `scanner`. */
  kind: "group" | "member" | "scanner";
  /** Of a group, its number: two may have one name. */
  group?: number | undefined;
  action: "pages_to_scan" | "sleep_millisecs" | "run" | "inflate" | "deflate";
  from: number;
  to: number;
  reason: string;
}

/** What is decided, when. */
export interface TimedDecision extends Decision {
  ns: number;
}

/** What is given at one time. Bytes. */
export interface Shareout {
  ns: number;
  reclaimedBytes: number;
  /** In the order of their numbers. */
  members: MemberMemory[];
}

export interface MemberMemory {
  /** By number. */
  member: number;
  group: number;
  memoryBytes: number;
  /** By its group. */
  reclaimedBytes: number;
}
