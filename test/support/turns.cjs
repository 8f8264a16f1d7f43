// Loaded before a command (node --require): notes the most CPU time that the process took between two turns of the event loop,
// and sets the wall clock an hour back while it runs.

const { writeFileSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

let last = process.cpuUsage();
let most = 0;

function note() {
  const now = process.cpuUsage();
  most = Math.max(most, now.user + now.system - last.user - last.system);
  last = now;
}

if (isMainThread) {
  setInterval(note, 1).unref();
  process.on("exit", () => {
    note();
    if (process.env.TURNS_FILE) writeFileSync(process.env.TURNS_FILE, String(most / 1000));
  });
}

const realNow = Date.now;
const began = realNow();
Date.now = () => (realNow() - began > 100 ? realNow() - 3_600_000 : realNow());
