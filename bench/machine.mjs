// What the machine is, and whether its cores are free.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { median } from "./measure.mjs";

/** The full path of a program on PATH. @param {string} name */
export function findProgram(name) {
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

export function describeMachine() {
  const load = os.loadavg()[0].toFixed(2);
  return [
    `CPU     ${os.cpus()[0]?.model.trim() ?? "unknown"}, ${os.availableParallelism()} cores, load ${load}`,
    `memory  ${(os.totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `kernel  ${os.type()} ${os.release()} ${os.arch()}`,
    `node    ${process.version}`,
  ].join("\n");
}

async function secondsOfCats(lists) {
  const start = performance.now();
  await Promise.all(
    lists.map(
      (files) =>
        new Promise((resolve, reject) => {
          spawn("cat", files, { stdio: "ignore" }).on("error", reject).on("close", resolve);
        }),
    ),
  );
  return (performance.now() - start) / 1000;
}

/**
 * Wall time of two parallel `cat` against one `cat` of what both read: about 0.5
 * with two free cores. Above 0.6 wall times prove nothing.
 * @param {string[]} files
 */
export async function parallelCatRatio(files) {
  const ratios = [];
  for (let i = 0; i < 5; i++) {
    const one = await secondsOfCats([[...files, ...files]]);
    ratios.push((await secondsOfCats([files, files])) / one);
  }
  return median(ratios);
}
