// How pagekin is run by the bench.

import path from "node:path";

/** Named, since dumps of two folders may have the same name. */
export const members = (files) => files.map((file, i) => `m${i}=${file}`);

/** @param {import('./sections.mjs').Context} context */
export function pagekin(context, command, name, sources, ...options) {
  const out = path.join(context.scratch, name.replaceAll(/\W+/g, "-"));
  const quiet = ["--out", out, "--force", "--no-progress", "--quiet"];
  return { name, out, command: [process.execPath, context.bin, command, ...sources, ...quiet, ...options] };
}
