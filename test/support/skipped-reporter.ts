import type { Reporter, TestModule } from "vitest/node";

/** Why a test was skipped, by its name (`because` of tools.ts) or by itself as it ran. */
const reasonOf = (name: string, note: string | undefined) => note ?? / \[skipped: (.*?)\]/.exec(name)?.[1];

/** Says at the end how many tests were skipped, and why. What a filter left out is not among them. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const test of modules.flatMap((module) => [...module.children.allTests("skipped")])) {
      const result = test.result();
      const reason = reasonOf(test.fullName, result.state === "skipped" ? result.note : undefined);
      if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    for (const [reason, count] of counts) console.log(`${count} skipped: ${reason}`);
  }
}
