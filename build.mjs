// Builds dist/: the wasm core, one file for each entry with all it imports (a command starts in half the time of loading
// the modules one by one), the library's types, the manual page, and the licences of what is bundled.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "rolldown";
import { licences } from "./licences.mjs";

const run = (tool, ...args) =>
  execFileSync(process.execPath, [path.join("node_modules", ...tool), ...args], { stdio: "inherit" });

// What is needed together is one file: each file more costs a command's start about half a millisecond. First what every
// command needs, help too; then what those do that hash pages and write results; then what those do that read sources.
const START = /\/src\/(errors|version|text\/nearest|commands\/(arguments|commands)|system\/cleanup)\.ts$/;
const MEASURE =
  /\/src\/(commands\/(options|option-kinds|crew)|core\/(counts|pairs|vectors)|fingerprints\/(?!inspect|worker)[^/]+|report\/(output|manifest|read-sources|progress|terminal|text-table)|sharing\/(count|count-world|sharing|rates)|spectrum\/(spectrum|write)|system\/(staging|journal|own-folder|owner|folders|plain-file|worker[^/]*))\.ts$/;
const COMMON =
  /\/src\/(core\/(hasher|module)|dumps\/[^/]+|dumps\/formats\/(holes|known[^/]*|raw|registry)|sources\/[^/]+|system\/(abort|clock|inputs|machine|pace|temporary|transfer|turns|zeros)|text\/(?!nearest)[^/]+|traces\/(registry|rows)|unpack\/(compression|tar-header)|worlds\/[^/]+)\.ts$/;

/** zstddec would load its wasm by way of fetch, and with it Node's whole HTTP client. */
const FOR_NODE = {
  platform: "node",
  transform: { target: "node20.19", define: { fetch: "undefined", __dirname: "import.meta.dirname" } },
};

const TYPES = path.join("dist", "types");

/** The declarations that index.d.ts needs; an error if one of them imports from a package, which a user may not have. */
function neededTypes() {
  const needed = new Set();
  const visit = (file) => {
    if (needed.has(file)) return;
    needed.add(file);
    for (const [, target] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (!target.startsWith(".")) throw new Error(`${file}: the library's types must not need ${target}`);
      visit(path.join(path.dirname(file), target.replace(/\.js$/, ".d.ts")));
    }
  };
  visit(path.join(TYPES, "index.d.ts"));
  return needed;
}

rmSync("dist", { recursive: true, force: true });
run(["assemblyscript", "bin", "asc.js"], "--target", "release");
run(["typescript", "bin", "tsc"], "-p", "tsconfig.build.json");
const needed = [...neededTypes()].map((file) => ({ file, text: readFileSync(file, "utf8") }));
rmSync(TYPES, { recursive: true });
for (const { file, text } of needed) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
const { output } = await build({
  input: {
    main: "src/main.ts",
    index: "src/index.ts",
    worker: "src/fingerprints/worker.ts",
    "replay-worker": "src/scenarios/replay-worker.ts",
    guard: "src/capture/guard.ts",
  },
  ...FOR_NODE,
  preserveEntrySignatures: "allow-extension",
  output: {
    dir: "dist",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: {
      groups: [
        { name: "start", test: START },
        { name: "measure", test: MEASURE },
        { name: "common", test: COMMON },
      ],
      includeDependenciesRecursively: false,
    },
  },
});
chmodSync("dist/main.js", 0o755);
writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licences(output.flatMap(({ moduleIds = [] }) => moduleIds)));

// The manual is made by the program's own tables of options. It looks for package.json in the folder above its own.
const scratch = mkdtempSync(".manual-");
try {
  await build({ input: "src/commands/manual.ts", ...FOR_NODE, output: { dir: scratch } });
  const { manualPage } = await import(path.resolve(scratch, "manual.js"));
  writeFileSync("dist/pagekin.1", await manualPage());
} finally {
  rmSync(scratch, { recursive: true });
}
