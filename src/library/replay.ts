import { bytesInAll } from "../worlds/world.js";
import { type CallOptions, inReportingCall, type OnProgress } from "./call.js";
import { checkArgument, checkOptions, FUNCTION, type Kinds, NUMBER, SIGNAL, TEXT } from "./check.js";
import type { ReplayedRun } from "./results.js";

export interface ReplayOptions extends CallOptions {
  /** Runs at once; default: one after the other. */
  workers?: number | undefined;
  /** Of reading the sources, before the runs begin. */
  onProgress?: OnProgress | undefined;
}

const REPLAY_KINDS: Kinds<ReplayOptions> = { workers: NUMBER, onProgress: FUNCTION, signal: SIGNAL };

/** Replays a scenario (a YAML file, docs/replay.md). */
export async function replay(scenario: string, options: ReplayOptions = {}): Promise<ReplayedRun[]> {
  checkArgument("replay", "the first argument", scenario, { ...TEXT, what: "the path of a YAML file" });
  checkOptions("replay", options, REPLAY_KINDS);
  const [{ openScenario, replayScenario }, { eachSample }, { planThreads }] = await Promise.all([
    import("../scenarios/scenario-runs.js"),
    import("../replay/samples.js"),
    import("../worlds/resources.js"),
  ]);
  return inReportingCall(options, async (report) => {
    const threads = planThreads(options.workers, 1);
    const opened = await openScenario(scenario);
    let done = 0;
    report(bytesInAll(opened.sources.snapshots), () => done);
    const onBytes = (bytes: number) => {
      done += bytes;
    };
    const { runs, results, members } = await replayScenario(opened, { threads, onBytes, onStart: () => {} });
    const names = members.map(({ name }) => name);
    return runs.map(({ name }, run): ReplayedRun => {
      const { groups, samples, shareouts, decisions, exposure } = results[run];
      return { name, members: names, groups, samples: [...eachSample(samples)], shareouts, decisions, exposure };
    });
  });
}
