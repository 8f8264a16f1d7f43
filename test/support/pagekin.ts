import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** The command line's entry. */
export const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface HowToRun {
  cwd?: string;
  /** Added to a small environment that has nothing of the test runner's. */
  env?: Record<string, string>;
  /**
   * In a process of its own, as `input` and `before` need one, and what looks at processes that run: for what a thread does not
   * have, such as limits and what Node reads of the environment as it starts.
   */
  process?: boolean;
  /** What standard input holds; nothing by default. */
  input?: Uint8Array;
  /** A shell line such as `ulimit -f 8` to run first, in the same process. */
  before?: string;
}

const HOME_FOLDER = process.cwd();

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: process.env.HOME ?? "",
    TMPDIR: process.env.TMPDIR ?? "/tmp",
    ...more,
  };
}

/** Starts a process of pagekin with standard input open. */
export function start(args: readonly string[], { cwd, env, before }: HowToRun = {}): ChildProcessWithoutNullStreams {
  const node = [process.execPath, MAIN, ...args];
  const [command, ...rest] = before ? ["bash", "-c", `${before}; exec "$@"`, "bash", ...node] : node;
  return spawn(command, rest, { cwd: cwd ?? HOME_FOLDER, env: environment(env), stdio: "pipe" });
}

/** Waits until a process has ended and its output is complete. */
export function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  // It may end without having read all of its input.
  child.stdin.on("error", () => {});
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      output.then(([stdout, stderr]) => resolve({ code, stdout, stderr }), reject);
    });
  });
}

let last: Promise<unknown> = Promise.resolve();

/** Does something in a folder, relative paths and all. A process has one at a time, so one goes after the other. */
export function inside<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const done = last.then(async () => {
    process.chdir(folder);
    try {
      return await work();
    } finally {
      process.chdir(HOME_FOLDER);
    }
  });
  last = done.catch(() => {});
  return done;
}

/**
 * Runs pagekin to its end. Where nothing needs a process it is a thread of this one, which costs a third less and runs the
 * same command line: its state, arguments, environment, output and exit code are its own.
 */
export function pagekin(args: readonly string[], how: HowToRun = {}): Promise<Ended> {
  const isLive = args[0] === "capture" || args.includes("--live");
  if (how.process || how.input || how.before || isLive) return inProcess(args, how);
  return inside(how.cwd ?? HOME_FOLDER, () => inThread(args, how.env));
}

function inProcess(args: readonly string[], how: HowToRun): Promise<Ended> {
  const child = start(args, how);
  const end = ended(child);
  child.stdin.end(how.input ?? new Uint8Array());
  return end;
}

async function inThread(args: readonly string[], env: HowToRun["env"]): Promise<Ended> {
  const thread = new Worker(MAIN, {
    argv: [...args],
    execArgv: [],
    env: environment(env),
    stdin: true,
    stdout: true,
    stderr: true,
  });
  thread.stdin?.end();
  const output = Promise.all([text(thread.stdout), text(thread.stderr)]);
  const code = await new Promise<number>((resolve, reject) => {
    thread.on("error", reject).on("exit", resolve);
  });
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

/** Runs pagekin, which must succeed without a word on stderr; gives its stdout. */
export async function succeed(args: readonly string[], how: HowToRun = {}): Promise<string> {
  const { code, stdout, stderr } = await pagekin(args, how);
  if (code !== 0 || stderr !== "") throw new Error(`pagekin ${args.join(" ")}: exit ${code}: ${stderr}`);
  return stdout;
}
