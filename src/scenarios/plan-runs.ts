// Runs with the groups of their members; what is wrong with one has its place in the scenario.

import path from "node:path";
import { PagekinError } from "../errors.js";
import type { Policy, PolicyContext } from "../policies/policy.js";
import { checkNames } from "../replay/check-scenario.js";
import { checkEnough, groupingPolicy, groupMembers } from "../replay/first-groups.js";
import type { ReplayMember } from "../replay/members.js";
import type { PlannedRun } from "../replay/reference.js";
import { type Path, type RunScenario, ScenarioFault } from "../replay/scenario/parse.js";
import type { Grouping } from "../sharing/grouping.js";
import { breathe } from "../system/pace.js";
import { parsePolicy } from "./perform.js";

interface PlanContext {
  labelNames: readonly string[];
  folder: string;
  /** Reads a file of a policy; its path begins in the scenario's folder. */
  readTable: PolicyContext["readRows"];
}

/** Plans runs. What several of them have in common is made once: the groups of a policy, and of regrouping the policy itself. */
export class Planner {
  private readonly groupings = new Map<string, Grouping>();
  private readonly regroupings = new Set<string>();

  constructor(
    private readonly members: readonly ReplayMember[],
    private readonly context: PlanContext,
  ) {}

  async plan(run: RunScenario): Promise<PlannedRun> {
    const { name, scenario, settings } = run;
    const { policy, regroup } = scenario;
    const grouping = this.groupings.get(policy) ?? (await this.group(run));
    this.groupings.set(policy, grouping);
    if (regroup && !this.regroupings.has(regroup.policy)) {
      await placed(run, ["regroup", "policy"], () => this.checkRegrouping(regroup.policy));
      this.regroupings.add(regroup.policy);
    }
    await placed(run, [], () => checkNames(scenario, this.members, grouping.groups));
    const turn = breathe();
    if (turn) await turn;
    return { name, scenario, settings, grouping };
  }

  private group(run: RunScenario): Promise<Grouping> {
    const { scenario } = run;
    return placed(run, ["policy"], () =>
      inFolderOf(this.context.folder, async () => {
        const policy = await this.parse(scenario.policy);
        return groupMembers(this.members, policy, scenario.page_size, breathe);
      }),
    );
  }

  private checkRegrouping(policy: string): Promise<void> {
    return inFolderOf(this.context.folder, async () => {
      checkEnough(groupingPolicy(await this.parse(policy)), this.members);
    });
  }

  private parse(policy: string): Promise<Policy> {
    return parsePolicy(policy, this.context.labelNames, this.context.readTable);
  }
}

/** Errors of policies name files as the scenario does, which may not be where pagekin runs. */
async function inFolderOf<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PagekinError) || error.place.file === undefined) throw error;
    const { message, place, hint, exitCode } = error;
    const file = path.resolve(folder, error.place.file);
    throw new PagekinError(message, { ...place, file, hint, exitCode });
  }
}

/**
 * Does what may find a fault in a run's scenario, which becomes an error with its place; so does an error that names no file.
 * where: what it is then about.
 */
export async function placed<T>(run: RunScenario, where: Path, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isNowhere = error instanceof PagekinError && error.place.file === undefined;
    throw run.place(isNowhere ? new ScenarioFault(where, error.message, error.hint) : error);
  }
}
