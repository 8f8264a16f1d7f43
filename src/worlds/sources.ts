// All sources of a run, and the dumps of one world at a time: whoever opens a world closes it.

import { PagekinError } from "../errors.js";
import type { Labels } from "../sources/labels.js";
import { displayName, nameOfFile } from "../sources/names.js";
import { type OpenDump, type OpenSettings, openDump } from "../sources/open-dump.js";
import { closeSource, isSeekable, isTrace, type Source, spoolTrace } from "../sources/source.js";
import type { Inputs } from "../system/inputs.js";
import { breathe } from "../system/pace.js";
import { isText } from "../text/values.js";
import { traceFormatOf } from "../traces/registry.js";
import type { Read, Snapshot, World } from "./world.js";

/** A snapshot whose bytes can be read. */
export interface OpenSnapshot extends Snapshot {
  /** undefined: a trace. */
  dump: OpenDump | undefined;
}

/** What an open snapshot turned out to be. atEnd: what only the end of its file told. */
export function readingOf({ source, dump, trace }: OpenSnapshot, atEnd: readonly string[]): Read {
  const { notes = [], fileNotes = [] } = dump ?? trace ?? {};
  return { format: dump?.format ?? source.format, notes, fileNotes: [...fileNotes, ...atEnd] };
}

/** A world whose dumps are open. */
export interface OpenWorld {
  timeS: number;
  snapshots: OpenSnapshot[];
  close(): void;
}

export class Sources {
  /** In the order in which they were named. */
  readonly snapshots: Snapshot[] = [];
  /** What holds a pipe or a temporary file. */
  private readonly held: Source[] = [];
  /** Dumps of the first world, whose headers need not be read again. */
  private readonly checked = new Map<Snapshot, OpenDump>();

  /** inputs: all files that the run reads; labelNames: of the inventory's labels, in their order. */
  constructor(
    readonly inputs: Inputs,
    readonly settings: OpenSettings,
    readonly labelNames: readonly string[],
  ) {}

  /** In the order of their times. */
  get worlds(): World[] {
    const byTime = new Map<number, Snapshot[]>();
    for (const snapshot of this.snapshots) {
      const known = byTime.get(snapshot.timeS);
      if (known) known.push(snapshot);
      else byTime.set(snapshot.timeS, [snapshot]);
    }
    return [...byTime].sort(([a], [b]) => a - b).map(([timeS, snapshots]) => ({ timeS, snapshots }));
  }

  /** The name on the command line replaces both name and time; else a trace's own columns count, then the file's name. */
  async add(looked: Source, labels: Labels): Promise<void> {
    this.held.push(looked);
    const source = isTrace(looked) ? await spoolTrace(looked) : looked;
    if (source !== looked) this.held.push(source);
    const trace = isTrace(source) ? await (await traceFormatOf(source)).readHead(source) : undefined;
    const { name } = source;
    const fromFile = nameOfFile(name.path);
    const member = name.member ?? trace?.member ?? fromFile.member;
    const timeS = name.timeS ?? trace?.timeS ?? fromFile.timeS;
    if (!isText(member)) {
      const hint = "give it a name: NAME=PATH";
      throw new PagekinError("the name of its member is not Unicode text", { file: displayName(name), hint });
    }
    this.snapshots.push({ source, member, timeS, labels: labels.of(member, timeS, name.labels), trace });
  }

  /** Reads the headers of all dumps that need not be unpacked for it, so that a damaged one is found before hours of work. */
  async checkHeaders(): Promise<void> {
    const [first, ...others] = this.worlds;
    for (const snapshot of first.snapshots) {
      if (canBeChecked(snapshot)) this.checked.set(snapshot, await openDump(snapshot.source, this.settings));
      const turn = breathe();
      if (turn) await turn;
    }
    for (const snapshot of others.flatMap(({ snapshots }) => snapshots)) {
      if (canBeChecked(snapshot)) (await openDump(snapshot.source, this.settings)).close();
      const turn = breathe();
      if (turn) await turn;
    }
  }

  /** Opens a dump. again: its bytes will be read more than once. Who opens it closes it. */
  async openDump(snapshot: Snapshot, again = false): Promise<OpenDump> {
    const checked = this.checked.get(snapshot);
    this.checked.delete(snapshot);
    return checked ?? openDump(snapshot.source, this.settings, again);
  }

  /** Opens all dumps of a world. again: their bytes will be read more than once. Who opens it closes it. */
  async openWorld({ timeS, snapshots }: World, again = false): Promise<OpenWorld> {
    const opened: OpenSnapshot[] = [];
    const close = () => {
      for (const { dump } of opened) dump?.close();
    };
    try {
      for (const snapshot of snapshots) {
        opened.push({ ...snapshot, dump: snapshot.trace ? undefined : await this.openDump(snapshot, again) });
        const turn = breathe();
        if (turn) await turn;
      }
      return { timeS, snapshots: opened, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** All was read: an error if some file has changed meanwhile. */
  async finish(): Promise<void> {
    await this.inputs.refuseChanged();
    this.close();
  }

  close(): void {
    for (const source of this.held.splice(0)) closeSource(source);
    for (const dump of this.checked.values()) dump.close();
    this.checked.clear();
  }
}

const canBeChecked = ({ source, trace }: Snapshot) => !trace && isSeekable(source);
