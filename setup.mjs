// Makes a bare clone ready: installs packages and builds, each only where it is needed. Says so, or nothing.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const INSTALLED = "node_modules/.package-lock.json";
/** What build.mjs writes last: without it a build did not come to its end. */
const BUILT = "dist/THIRD-PARTY-LICENSES.txt";
const BUILT_FROM = [
  "src",
  "assembly",
  "build.mjs",
  "licences.mjs",
  "package.json",
  "asconfig.json",
  /^tsconfig.*\.json$/,
  INSTALLED,
];

process.chdir(import.meta.dirname ?? ".");
checkNode();
if (!isInstalled()) {
  say("installing packages (npm ci)");
  // Also where NODE_ENV=production would leave out what builds pagekin.
  run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
}
if (!isBuilt()) {
  say("building dist/ (node build.mjs)");
  run(process.execPath, ["build.mjs"]);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  say(`pagekin needs Node 20.19 or later, this is ${process.version}`);
  process.exit(1);
}

/** Whether node_modules holds what package-lock.json names; npm notes there what it has installed. */
function isInstalled() {
  if (!existsSync(INSTALLED)) return false;
  const installed = packagesOf(INSTALLED);
  return Object.entries(packagesOf("package-lock.json")).every(([folder, wanted]) => {
    // The first entry is pagekin itself; of the optional ones only those for this machine are installed.
    if (folder === "" || (wanted.optional && !installed[folder])) return true;
    return installed[folder]?.version === wanted.version && installed[folder].integrity === wanted.integrity;
  });
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** Whether all of dist/ is younger than all that it is made from. */
function isBuilt() {
  if (!existsSync(BUILT)) return false;
  const sources = BUILT_FROM.flatMap((entry) =>
    typeof entry === "string" ? filesOf(entry) : readdirSync(".").filter((name) => entry.test(name)),
  );
  return Math.max(...sources.map(timeOf)) < Math.min(...filesOf("dist").map(timeOf));
}

function filesOf(entry) {
  if (!statSync(entry).isDirectory()) return [entry];
  return readdirSync(entry).flatMap((name) => filesOf(path.join(entry, name)));
}

function timeOf(file) {
  return statSync(file).mtimeMs;
}

/** Runs a program; shows what it printed only if it fails, and ends with its exit code. */
function run(program, args) {
  const shell = process.platform === "win32" && program === "npm";
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", shell });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  say(error ? `${program} cannot be run: ${error.message}` : `${program} ${args[0]} failed`);
  process.exit(status || 1);
}

function say(text) {
  console.error(`setup: ${text}`);
}
