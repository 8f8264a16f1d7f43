// Several runs at once: each thread takes the next until none is left.

import { endWorkers, performOn, startWorkers } from "../system/workers.js";
import { performRun, type RunJob, type RunResult, type RunsShared } from "./perform.js";

/** Results in the order of the jobs. A single thread is the main one. */
export async function performRuns(shared: RunsShared, jobs: readonly RunJob[], threads: number): Promise<RunResult[]> {
  const results: RunResult[] = [];
  let next = 0;
  const work = async (perform: (job: RunJob) => Promise<RunResult>) => {
    while (next < jobs.length) {
      const number = next++;
      results[number] = await perform(jobs[number]);
    }
  };
  if (threads === 1) {
    await work((job) => performRun(shared, job));
    return results;
  }
  const workers = await startWorkers(threads, new URL("./replay-worker.js", import.meta.url), shared);
  try {
    await Promise.all(workers.map((worker) => work((job) => performOn<RunResult>(worker, job))));
    return results;
  } finally {
    await endWorkers(workers);
  }
}
