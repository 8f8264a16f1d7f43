// The licences and notices of what is bundled: of each package its own, and those of code that it has from others.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const MIT_TERMS = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

const LICENCE_FILE = /^(licen[cs]e|notice|copying|patents|third[-_ ]?party)/i;
/** Comments, and what makes one a notice. */
const COMMENT = /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm;
const NOTICE = /copyright|©|licen[cs]e/i;

/** The text of THIRD-PARTY-LICENSES.txt for a bundle of files. */
export function licences(files) {
  const folders = files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  return [...new Set(folders)]
    .sort()
    .map(licenceOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function licenceOf(folder) {
  const about = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const own = readdirSync(folder)
    .filter((entry) => LICENCE_FILE.test(entry))
    .map((entry) => readFileSync(path.join(folder, entry), "utf8").trim());
  const parts = own.length > 0 ? own : termsOf(about);
  for (const notice of codeIn(folder).flatMap((file) => noticesIn(readFileSync(file, "utf8")))) {
    if (!plain(parts.join(" ")).includes(plain(notice))) parts.push(notice);
  }
  return `${about.name} ${about.version} (${about.license})\n\n${parts.join("\n\n")}\n`;
}

/** All code of a package, whether or not it is bundled: which parts are may change with each build. */
function codeIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.[cm]?js$/.test(file) && !file.split(path.sep).includes("node_modules"))
    .sort()
    .map((file) => path.join(folder, file));
}

/** Of a package that comes without a licence file: whose it is, and the terms that it names. */
function termsOf({ name, license, author }) {
  if (license !== "MIT") throw new Error(`${name} comes without the text of its licence (${license})`);
  return [`Copyright (c) ${author?.name ?? author}`, MIT_TERMS];
}

/** The comments of a file that say whose it is or on what terms, without the marks of comments. */
function noticesIn(code) {
  const comments = code.match(COMMENT)?.filter((comment) => NOTICE.test(comment)) ?? [];
  return comments.map((comment) =>
    comment
      .replace(/^\s*\/\*+!?|\*+\/\s*$/g, "")
      .replace(/^[ \t]*(\*|\/\/+)?[ \t]?/gm, "")
      .trim(),
  );
}

const plain = (text) => text.replace(/\s+/g, " ");
