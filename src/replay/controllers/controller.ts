// What a controller is: how a scenario names it, what it sees of a run, and what it may set in it.

import type * as v from "valibot";
import type { ScannerSettings } from "../scenario/scanner.js";

/** What `controller` of a scenario may name. Each is defined in a file of its own; registry.ts lists them. */
export interface ControllerEntry<Settings extends v.ObjectEntries = v.ObjectEntries> {
  /** Its `kind`. */
  name: string;
  /** Schemas of its settings, by their keys in a scenario. */
  settings: Settings;
  make(settings: SettingsOf<Settings>, scanner: ScannerSettings): Controller;
  /** What keeps it from working in a scenario, if anything does. */
  fault?(settings: SettingsOf<Settings>, scenario: ControlledScenario): ControllerFault | undefined;
  /** The pages_to_scan of a group that begins; without it the scanner's. */
  firstPagesToScan?(scanner: ScannerSettings): number;
}

/** Settings from their schemas. */
export type SettingsOf<S extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<S, undefined>>;

/** The parts of a scenario that a controller depends on. */
export interface ControlledScenario {
  scanner: ScannerSettings;
  groups: ReadonlyMap<string, { pages_to_scan?: number | undefined }>;
  host?: { memory: number } | undefined;
  /** The file. */
  usage?: string | undefined;
}

export interface ControllerFault {
  /** Where in the scenario; without it, where the controller is named. */
  path?: readonly string[];
  what: string;
  hint: string;
}

/** A scanning speed that can be set: of one group's thread, or of the one thread that serves all groups. */
export interface Speed {
  /** A group's name, or `scanner`. */
  subject: string;
  /** The group's number; undefined: the one thread. */
  group?: number | undefined;
  /** Groups that it is for, by number. */
  groups: readonly number[];
  pagesToScan: number;
}

/** What a member uses, in bytes: MUV (used by the guest) and MUP (physical memory that it has). */
export interface MemberUsage {
  usedBytes: number;
  physicalBytes: number;
}

export interface Machine {
  /** Virtual time, in nanoseconds. */
  readonly ns: number;
  readonly pageBytes: number;
  /** The host's memory in bytes; undefined where the scenario has no host. */
  readonly hostBytes: number | undefined;
  /** Of the host, in bytes: what is used, and what members were promised in all. */
  usedBytes(): number;
  committedBytes(): number;
  /** MUH, 0 to 1: of the usage file, or used / memory of the host. undefined: not known at this time. */
  hostUtilization(): number | undefined;
  /** Members that are there, by number. */
  members(): readonly number[];
  memberName(member: number): string;
  /** undefined: the usage file says nothing of it at this time. */
  usage(member: number): MemberUsage | undefined;
  /** Bytes that the member's balloon holds. */
  balloonBytes(member: number): number;
  /** Takes memory from a member, or gives it back, and notes the decision. */
  inflate(member: number, bytes: number, zeroFirst: boolean, reason: string): void;
  deflate(member: number, bytes: number, reason: string): void;
  /** Speeds of all groups that have members. */
  speeds(): readonly Speed[];
  /** Whether that is another speed than before. */
  setSpeed(speed: Speed, pagesToScan: number, reason: string): boolean;
  sleepMillisecs(): number;
  setSleep(milliseconds: number, reason: string): void;
  isRunning(): boolean;
  setRunning(running: boolean, reason: string): void;
  /** So far, of some groups: pages reclaimed now (pages_sharing + ksm_zero_pages), and modelled CPU seconds. */
  reclaimedPages(groups: readonly number[]): number;
  cpuSeconds(groups: readonly number[]): number;
}

/** A pass of one group's thread that has just ended. */
export interface EndedPass {
  speed: Speed;
  /** Nanoseconds that it took. */
  ns: number;
  /** CPU seconds of the thread since it began to run. */
  cpuSeconds: number;
}

export interface Controller {
  /** Decides at these intervals (nanoseconds) ... */
  every?: number;
  decide?(machine: Machine): void;
  /** ... or at the end of passes. */
  passEnded?(machine: Machine, pass: EndedPass): void;
}
