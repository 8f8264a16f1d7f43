import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

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
  /** What standard input holds; nothing by default. */
  input?: Uint8Array;
  /** A shell line such as `ulimit -f 8` to run first, in the same process. */
  before?: string;
}

/** Starts pagekin with standard input open. */
export function start(args: readonly string[], { cwd, env, before }: HowToRun = {}): ChildProcessWithoutNullStreams {
  const own = {
    PATH: process.env.PATH ?? "",
    HOME: process.env.HOME ?? "",
    TMPDIR: process.env.TMPDIR ?? "/tmp",
    ...env,
  };
  const node = [process.execPath, MAIN, ...args];
  const [command, ...rest] = before ? ["bash", "-c", `${before}; exec "$@"`, "bash", ...node] : node;
  return spawn(command, rest, { cwd, env: own, stdio: "pipe" });
}

/** Waits until a process has ended and its output is complete. */
export function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // It may end without having read all of its input.
  child.stdin.on("error", () => {});
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** Runs pagekin to its end. */
export function pagekin(args: readonly string[], how: HowToRun = {}): Promise<Ended> {
  const child = start(args, how);
  const end = ended(child);
  child.stdin.end(how.input ?? new Uint8Array());
  return end;
}

/** Runs pagekin, which must succeed without a word on stderr; gives its stdout. */
export async function succeed(args: readonly string[], how: HowToRun = {}): Promise<string> {
  const { code, stdout, stderr } = await pagekin(args, how);
  if (code !== 0 || stderr !== "") throw new Error(`pagekin ${args.join(" ")}: exit ${code}: ${stderr}`);
  return stdout;
}
