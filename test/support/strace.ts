// Running pagekin under strace, which can disturb it as it enters a system call.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { MAIN } from "./pagekin.js";
import { has, run } from "./tools.js";

function canTrace(): boolean {
  if (!has("strace")) return false;
  try {
    run("strace", "-f", "-o", "/dev/null", "true");
    return true;
  } catch {
    return false;
  }
}

/** Whether strace is there and may trace processes. */
export const CAN_TRACE = canTrace();

interface Traced {
  /** undefined: it was killed. */
  code: number | undefined;
  stderr: string;
}

function traced(options: readonly string[], args: readonly string[], cwd: string): Promise<Traced> {
  const command = ["-f", "-qq", ...options, process.execPath, MAIN, ...args];
  const child = spawn("strace", command, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    // strace ends as its child did.
    child.on("close", (code, signal) => resolve({ code: signal === "SIGKILL" ? undefined : (code ?? -1), stderr }));
  });
}

/** Runs pagekin and does something to it (strace's `signal=`, `error=`) as one of its threads enters a system call for the nth time. */
export function disturbedAt(
  [call, n]: readonly [call: string, n: number],
  how: string,
  args: readonly string[],
  cwd: string,
): Promise<Traced> {
  const inject = `inject=${call}:${how}:when=${n}`;
  return traced(["-o", "/dev/null", "-e", `trace=${call}`, "-e", inject], args, cwd);
}

/** Runs pagekin, each rename of which takes some milliseconds longer. */
export const slowed = (ms: number, args: readonly string[], cwd: string): Promise<Traced> =>
  traced(["-o", "/dev/null", "-e", "trace=rename", "-e", `inject=rename:delay_enter=${1000 * ms}`], args, cwd);

/** Runs pagekin; gives how often its first thread has entered each of some system calls before anything is first synced to the disk. */
export async function callsBeforeSync(
  calls: readonly string[],
  args: readonly string[],
  cwd: string,
): Promise<Record<string, number>> {
  const log = path.join(cwd, "strace.log");
  const { code, stderr } = await traced(["-o", log, "-e", `trace=${[...calls, "fsync"].join()}`], args, cwd);
  if (code !== 0) throw new Error(`pagekin ${args.join(" ")}: exit ${code}: ${stderr}`);
  const lines = readFileSync(log, "utf8").split("\n");
  const entered = lines.flatMap((line) => {
    const parts = /^(\d+) +(\w+)\(/.exec(line);
    return parts ? [{ thread: parts[1], call: parts[2] }] : [];
  });
  const before = entered.slice(
    0,
    entered.findIndex(({ call }) => call === "fsync"),
  );
  const ofFirst = before.filter(({ thread }) => thread === entered[0].thread);
  return Object.fromEntries(calls.map((one) => [one, ofFirst.filter(({ call }) => call === one).length]));
}
