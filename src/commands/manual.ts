// The manual page pagekin(1), from the tables of options. Format: man(7).

import { EXIT } from "../errors.js";
import { VERSION } from "../version.js";
import { allCommands, type CommandPage } from "./commands.js";
import { operandsOf } from "./help.js";
import type { Option } from "./option-kinds.js";

const EXITS: readonly [code: number, what: string][] = [
  [EXIT.done, "done"],
  [EXIT.bug, "a bug in pagekin"],
  [EXIT.input, "wrong usage or input"],
  [EXIT.mismatch, "--verify found pages that differ"],
  [EXIT.interrupted, "interrupted"],
];

/** A text in which nothing means something to troff. */
function plain(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return escaped.replace(/^[.']/gm, "\\&$&");
}

function optionLines({ name, type, short, describe, default: usual, choices }: Option): string[] {
  const value = type === "boolean" ? "" : ` ${choices ? choices.join("|") : "VALUE"}`;
  const long = usual === true && type === "boolean" ? `--no-${name}` : `--${name}`;
  const names = plain([...(short ? [`-${short}`] : []), long].join(", "));
  const standard = typeof usual === "string" ? ` [default: ${usual}]` : "";
  return [".TP", `\\fB${names}\\fR${plain(value)}`, plain(`${describe}${standard}`)];
}

function pageLines({ name, what, command }: CommandPage): string[] {
  const { usage, lines } = operandsOf(command);
  const { about, options, example } = command;
  return [
    `.SS "pagekin ${plain(name)}"`,
    `\\fBpagekin ${plain(name)}\\fR [OPTIONS] ${plain(usage)}`,
    ".PP",
    plain(`${what[0].toUpperCase()}${what.slice(1)}.`),
    ...[...lines, ...(about?.split("\n") ?? [])].flatMap((line) => [".PP", plain(line)]),
    ...options.flatMap(optionLines),
    ".PP",
    `Example: ${plain(example[1])}`,
    ".PP",
    ".nf",
    `.RS\n${plain(example[0])}\n.RE`,
    ".fi",
  ];
}

export async function manualPage(): Promise<string> {
  return `${[
    `.TH PAGEKIN 1 "" "pagekin ${VERSION}" "User Commands"`,
    // Neither stretched nor hyphenated.
    ".ad l",
    ".nh",
    ".SH NAME",
    "pagekin \\- what memory sharing would save and what isolating tenants costs, from memory dumps",
    ".SH SYNOPSIS",
    "\\fBpagekin\\fR COMMAND [OPTIONS] SOURCE...",
    ".br",
    "\\fBpagekin help\\fR COMMAND",
    ".br",
    "\\fBpagekin completion\\fR bash|zsh|fish",
    ".SH COMMANDS",
    ...(await allCommands()).flatMap(pageLines),
    ".SH EXIT STATUS",
    ...EXITS.flatMap(([code, what]) => [".TP", String(code), plain(what)]),
  ].join("\n")}\n`;
}
