// Builds dist/: the wasm core, one file for each entry with all it imports (a command starts in half the time of loading
// the modules one by one), the library's types, and the licences of what is bundled.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "rolldown";

const run = (tool, ...args) =>
  execFileSync(process.execPath, [path.join("node_modules", ...tool), ...args], { stdio: "inherit" });

/** What every command that reads sources needs, in one file: each file more costs its start about half a millisecond. */
const COMMON =
  /\/src\/(core\/(hasher|module)|dumps\/[^/]+|dumps\/formats\/(holes|known[^/]*|raw|registry)|sources\/(?!inventory)[^/]+|system\/(clock|pace|temporary|transfer|zeros)|text\/(?!read-csv)[^/]+|unpack\/(compression|tar-header)|worlds\/[^/]+)\.ts$/;

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

rmSync("dist", { recursive: true, force: true });
run(["assemblyscript", "bin", "asc.js"], "--target", "release");
run(["typescript", "bin", "tsc"], "-p", "tsconfig.build.json");
const { output } = await build({
  input: {
    main: "src/main.ts",
    index: "src/index.ts",
    worker: "src/fingerprints/worker.ts",
    "replay-worker": "src/scenarios/replay-worker.ts",
    guard: "src/capture/guard.ts",
  },
  platform: "node",
  // zstddec would load its wasm by way of fetch, and with it Node's whole HTTP client.
  transform: { target: "node20.19", define: { fetch: "undefined", __dirname: "import.meta.dirname" } },
  preserveEntrySignatures: "allow-extension",
  output: {
    dir: "dist",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: { groups: [{ name: "common", test: COMMON }], includeDependenciesRecursively: false },
  },
});
writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licences(output.flatMap(({ moduleIds = [] }) => moduleIds)));

/** The licence texts of the packages that files come from. */
function licences(files) {
  const byFolder = new Map();
  for (const file of files) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (folder) byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  return [...byFolder.keys()]
    .sort()
    .map((folder) => {
      const about = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? readFileSync(path.join(folder, file), "utf8").trim() : termsOf(about, byFolder.get(folder));
      return `${about.name} ${about.version} (${about.license})\n\n${text}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** Of a package that comes without a licence file: whose it is, the notices in its code, and the terms that it names. */
function termsOf({ name, license, author }, files) {
  if (license !== "MIT") throw new Error(`${name} comes without the text of its licence (${license})`);
  const notices = files.flatMap((file) => readFileSync(file, "utf8").match(/\/\*!.*?\*\//gs) ?? []);
  return [`Copyright (c) ${author?.name ?? author}`, ...notices, MIT_TERMS].join("\n\n");
}
