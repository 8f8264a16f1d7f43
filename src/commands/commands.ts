// The commands: a line each. A command's module is loaded when it is called.

import type { AnyCommand } from "./options.js";

export const COMMANDS: Record<string, [what: string, load: () => Promise<{ command: AnyCommand }>]> = {
  analyze: ["measure page sharing", () => import("./analyze.js")],
  compare: ["score grouping policies by savings, isolation cost and exposure", () => import("./compare.js")],
  replay: ["simulate KSM over time, group by group", () => import("./replay.js")],
  processes: ["rank processes by sharing; select candidates for a private group", () => import("./processes.js")],
  inspect: ["show format, address ranges and page counts", () => import("./inspect.js")],
  fingerprint: ["write traces: the fingerprints of all pages", () => import("./fingerprint.js")],
  "capture vm": ["dump the memory of running VMs", async () => ({ command: (await captures()).vm })],
  "capture process": ["dump the memory of running processes", async () => ({ command: (await captures()).process })],
};

const captures = () => import("./capture.js");

/** What there is besides. */
export const OTHERS = {
  help: "show help on a command",
  completion: "print a completion script for bash, zsh or fish",
} as const;

/** A command with all that is said of it. */
export interface CommandPage {
  name: string;
  what: string;
  command: AnyCommand;
}

/** Every command, loaded. */
export function allCommands(): Promise<CommandPage[]> {
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, [what, load]]) => ({ name, what, command: (await load()).command })),
  );
}
