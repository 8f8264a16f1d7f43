// Builds dist/: the wasm core, one file for each entry with all it imports (a command starts in half the time of loading
// the modules one by one), the library's types, and the licences of what is bundled.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const run = (tool, ...args) =>
  execFileSync(process.execPath, [path.join("node_modules", ...tool), ...args], { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
run(["assemblyscript", "bin", "asc.js"], "--target", "release");
run(["typescript", "bin", "tsc"], "-p", "tsconfig.build.json");
const { metafile } = await build({
  entryPoints: [
    "src/main.ts",
    "src/index.ts",
    "src/fingerprints/worker.ts",
    "src/runs/replay-worker.ts",
    "src/capture/guard.ts",
  ],
  outdir: "dist",
  entryNames: "[name]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // zstddec would load its wasm by way of fetch, and with it Node's whole HTTP client.
  define: { fetch: "undefined" },
  metafile: true,
  logLevel: "warning",
  // What CommonJS packages look for in an ES module.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url), __dirname = import.meta.dirname;',
  },
});
writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licences(Object.keys(metafile.inputs)));

/** The licence texts of the packages that files come from. */
function licences(files) {
  const packages = new Set(
    files.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean),
  );
  return [...packages]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
      const file = existsSync(folder) && readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? readFileSync(path.join(folder, file), "utf8").trim() : "";
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
