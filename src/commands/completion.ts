// Completion scripts, from the tables of options: words for each command, choices for each option that has some, else files.

import { PagekinError, quoted } from "../errors.js";
import { didYouMean } from "../text/nearest.js";
import { type CommandPage, OTHERS } from "./commands.js";
import type { Option } from "./option-kinds.js";

const SCRIPTS: Record<string, (pages: readonly CommandPage[]) => string> = { bash, zsh, fish };

export const SHELLS = Object.keys(SCRIPTS);

/** shell: what follows `pagekin completion`. */
export function completionScript([shell, ...more]: readonly string[], pages: readonly CommandPage[]): string {
  if (shell === undefined || more.length > 0)
    throw new PagekinError("completion takes one shell", { hint: `name one of ${SHELLS.join(", ")}` });
  if (!Object.hasOwn(SCRIPTS, shell))
    throw new PagekinError(`no completion for ${quoted(shell)}`, { hint: didYouMean(shell, SHELLS) });
  return SCRIPTS[shell](pages);
}

const firstWords = (pages: readonly CommandPage[]) => [...new Set(pages.map(({ name }) => name.split(" ")[0]))];

/** What may follow the first word of commands that have two. */
function families(pages: readonly CommandPage[]): [first: string, seconds: string[]][] {
  const seconds = (first: string) =>
    pages.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
  const both = firstWords(pages).map((first): [string, string[]] => [first, seconds(first)]);
  return [...both.filter(([, found]) => found.length > 0), ["help", firstWords(pages)], ["completion", SHELLS]];
}

const longNames = (options: readonly Option[]) => [
  ...options.flatMap(({ name, type, default: usual }) => [
    `--${usual === true && type === "boolean" ? `no-${name}` : name}`,
  ]),
  "--help",
];

function bash(pages: readonly CommandPage[]): string {
  const words = [...firstWords(pages), ...Object.keys(OTHERS), "--help", "--version"].join(" ");
  const second = families(pages).map(([first, seconds]) => `      ${first}) words="${seconds.join(" ")}" ;;`);
  const choices = pages.flatMap(({ name, command }) =>
    command.options.flatMap((option) =>
      option.choices ? [`    "${name} --${option.name}") words="${option.choices.join(" ")}" ;;`] : [],
    ),
  );
  const options = pages.map(
    ({ name, command }) => `      "${name}") words="${longNames(command.options).join(" ")}" ;;`,
  );
  return `# Completion of pagekin for bash: source this file, or put it into ~/.local/share/bash-completion/completions/pagekin.
_pagekin() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" command="\${COMP_WORDS[1]}" words=""
  COMPREPLY=()
  # bash takes the = of --option=value for a word of its own.
  if [ "$prev" = "=" ]; then prev="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  if [ "$cur" = "=" ]; then cur=""; fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${words}"
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case "$command" in
${second.join("\n")}
    esac
  fi
  if [ "$command" = capture ]; then command="capture \${COMP_WORDS[2]}"; fi
  case "$command $prev" in
${choices.join("\n")}
  esac
  if [ -z "$words" ] && [ "\${cur#-}" != "$cur" ]; then
    case "$command" in
${options.join("\n")}
    esac
  fi
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o default -F _pagekin pagekin`;
}

/** A text in single quotes, for zsh and fish. */
const single = (text: string, escaped: string) => `'${text.replaceAll("'", escaped)}'`;

function zsh(pages: readonly CommandPage[]): string {
  const q = (text: string) => single(text, "'\\''");
  /** Brackets and colons have a meaning in what _arguments takes. */
  const plain = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const spec = (option: Option) => {
    const { name, type, short, describe, choices, isList, default: usual } = option;
    const value = type === "boolean" ? "" : `:value:${choices ? `(${choices.join(" ")})` : "_files"}`;
    const said = `[${plain(describe)}]${value}`;
    const long = usual === true && type === "boolean" ? `--no-${name}` : `--${name}${type === "boolean" ? "" : "="}`;
    const names = [long, ...(short ? [`-${short}`] : [])];
    return names.map(
      (one) =>
        `    ${q(`${isList ? "*" : `(${names.map((other) => other.replace("=", "")).join(" ")})`}${one}${said}`)}`,
    );
  };
  const cases = pages.map(
    ({ name, command }) =>
      `  ${q(name)})\n    _arguments \\\n${[...command.options.flatMap(spec), "    '--help[show this help]'", "    '*:source:_files'"].join(" \\\n")}\n    ;;`,
  );
  const list = (words: readonly string[]) => words.map((word) => q(word)).join(" ");
  const second = families(pages).map(([first, seconds]) => `      ${first}) words=(${list(seconds)}) ;;`);
  return `#compdef pagekin
# Completion of pagekin for zsh: put this file as _pagekin into a folder of $fpath, or source it after compinit.
_pagekin() {
  local command="$words[2]"
  local -a known
  if (( CURRENT == 2 )); then
    known=(${list([...firstWords(pages), ...Object.keys(OTHERS), "--help", "--version"])})
    compadd -a known
    return
  fi
  if (( CURRENT == 3 )); then
    case "$command" in
${second.map((line) => line.replace("words=", "known=")).join("\n")}
    esac
    if (( $#known )); then compadd -a known; return; fi
  fi
  if [[ "$command" == capture ]]; then
    command="capture $words[3]"
    shift words; (( CURRENT-- ))
  fi
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _pagekin pagekin`;
}

function fish(pages: readonly CommandPage[]): string {
  const q = (text: string) => single(text.replaceAll("\\", "\\\\"), "\\'");
  const first = firstWords(pages).map((word) => {
    const page = pages.find(({ name }) => name === word);
    return `complete -c pagekin -f -n __fish_use_subcommand -a ${word} -d ${q(page?.what ?? "dump the memory of VMs or processes")}`;
  });
  const others = Object.entries(OTHERS).map(
    ([word, what]) => `complete -c pagekin -f -n __fish_use_subcommand -a ${word} -d ${q(what)}`,
  );
  const second = families(pages).map(
    ([word, seconds]) =>
      `complete -c pagekin -f -n ${q(`__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${seconds.join(" ")}`)} -a ${q(seconds.join(" "))}`,
  );
  const options = pages.flatMap(({ name, command }) => {
    const seen = name
      .split(" ")
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join("; and ");
    return command.options.map(({ name, type, short, describe, choices, default: usual }) => {
      const long = usual === true && type === "boolean" ? `no-${name}` : name;
      const value = type === "boolean" ? "" : choices ? ` -x -a ${q(choices.join(" "))}` : " -r";
      return `complete -c pagekin -n ${q(seen)} -l ${long}${short ? ` -s ${short}` : ""}${value} -d ${q(describe)}`;
    });
  });
  return `# Completion of pagekin for fish: put this file into ~/.config/fish/completions/pagekin.fish.
${[...first, ...others, ...second, ...options].join("\n")}`;
}
