import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MAIN } from "./pagekin.js";

const run = promisify(execFile);
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** What a terminal of some width is sent, stdout and stderr together, line ends as \n. script(1) makes the terminal. */
export async function onTerminal(
  args: readonly string[],
  { cwd, columns, env = {} }: { cwd: string; columns: number; env?: Record<string, string> },
): Promise<string> {
  const line = `stty cols ${columns} && exec ${[process.execPath, MAIN, ...args].map(quoted).join(" ")}`;
  const { PATH = "", HOME = "", TMPDIR = "/tmp" } = process.env;
  const own = { PATH, HOME, TMPDIR, SHELL: "/bin/sh", TERM: "xterm", LC_ALL: "C.UTF-8", ...env };
  const child = run("script", ["-qec", line, "/dev/null"], { cwd, env: own, maxBuffer: 2 ** 26 });
  child.child.stdin?.end();
  return (await child).stdout.replaceAll("\r\n", "\n");
}
