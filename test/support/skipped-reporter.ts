import type { Reporter, TestModule, Vitest } from "vitest/node";

/** Why a test was skipped, by its name (`because` of tools.ts) or by itself as it ran. */
const reasonOf = (name: string, note: string | undefined) => note ?? / \[skipped: (.*?)\]/.exec(name)?.[1];

/** Says at the end how many tests were skipped, and why. */
export default class SkippedReporter implements Reporter {
  private isFiltered = false;

  onInit({ config }: Vitest): void {
    this.isFiltered = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const test of modules.flatMap((module) => [...module.children.allTests("skipped")])) {
      const result = test.result();
      const reason = reasonOf(test.fullName, result.state === "skipped" ? result.note : undefined);
      // A test that the pattern of names leaves out needs no reason.
      if (reason === undefined && this.isFiltered) continue;
      const why = reason ?? `no reason is given by ${test.fullName}`;
      counts.set(why, (counts.get(why) ?? 0) + 1);
    }
    for (const [why, count] of counts) console.log(`${count} skipped: ${why}`);
  }
}
