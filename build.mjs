// Builds dist/: the wasm core, one file for each entry with all it imports (a command starts in half the time of loading
// the modules one by one), the library's types, and the licences of what is bundled.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "rolldown";
import { licences } from "./licences.mjs";

const run = (tool, ...args) =>
  execFileSync(process.execPath, [path.join("node_modules", ...tool), ...args], { stdio: "inherit" });

/** What every command that reads sources needs, in one file: each file more costs its start about half a millisecond. */
const COMMON =
  /\/src\/(core\/(hasher|module)|dumps\/[^/]+|dumps\/formats\/(holes|known[^/]*|raw|registry)|sources\/[^/]+|system\/(clock|inputs|machine|pace|temporary|transfer|turns|zeros)|text\/[^/]+|traces\/(registry|rows)|unpack\/(compression|tar-header)|worlds\/[^/]+)\.ts$/;

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
