// Preloaded (node --import) into pagekin's threads: ends worker threads without a word, when KILL_WHEN says.
import { writeFileSync } from "node:fs";
import { isMainThread, parentPort } from "node:worker_threads";

const die = () => process.exit(9);

if (!isMainThread) {
  const when = process.env.KILL_WHEN;
  if (when === "start") die();
  if (when === "job") parentPort.once("message", die);
  // Time enough to have no work; KILL_MARK tells the test that it has happened.
  if (when === "idle") {
    setTimeout(() => {
      writeFileSync(process.env.KILL_MARK, "");
      die();
    }, 300);
  }
}
