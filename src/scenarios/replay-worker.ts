// A worker thread that does runs of scenarios.

import { serve } from "../system/worker-side.js";
import { performRun, type RunJob, type RunsShared } from "./perform.js";

serve((shared: RunsShared) => (job: RunJob) => performRun(shared, job));
