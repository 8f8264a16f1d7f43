import { execFileSync } from "node:child_process";

/** The lines of Node that pagekin is for. */
const NODE_LINES = [20, 22, 24];

export interface NodeOfLine {
  line: number;
  /** Its program; undefined: this machine has none of that line. */
  program: string | undefined;
}

/** Programs by line: the one that runs the tests, and those that PAGEKIN_NODES lists, separated by colons. */
export function nodesByLine(): NodeOfLine[] {
  const programs = [process.execPath, ...(process.env.PAGEKIN_NODES ?? "").split(":").filter((text) => text !== "")];
  const lineOf = (program: string) =>
    Number.parseInt(execFileSync(program, ["-p", "process.versions.node"]).toString(), 10);
  const found = new Map(programs.reverse().map((program) => [lineOf(program), program]));
  const lines = new Set([...NODE_LINES, lineOf(process.execPath)]);
  return [...lines].map((line) => ({ line, program: found.get(line) }));
}
