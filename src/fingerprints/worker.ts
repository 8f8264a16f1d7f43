// A worker thread of a crew.

import { serve } from "../system/worker-side.js";
import { type Event, type Job, Runner, type Shared } from "./runner.js";

serve((shared: Shared) => {
  const runner = new Runner(shared);
  return (job: Job, emit: (event: Event) => void) => runner.perform(job, emit);
});
