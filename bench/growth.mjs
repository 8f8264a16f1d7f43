// The section `growth`: every kind of input at a size and at four times that.

import fs from "node:fs";
import path from "node:path";
import { KINDS } from "./growth-kinds.mjs";
import { median } from "./measure.mjs";
import { pagekin } from "./pagekin.mjs";

const TIMES = 4;
const LIMIT = 5;
const RUNS = 3;
const NODE = { name: "node -e 0", command: [process.execPath, "-e", "0"], times: RUNS };

/** @param {import('./sections.mjs').Context} context @returns {import('./sections.mjs').Plan} */
export function growth(context) {
  const pairs = Object.entries(KINDS).map(([kind, { size, unit, make }]) => {
    const [small, large] = [size, TIMES * size].map((count) => {
      const folder = path.join(context.scratch, `${kind}-${count}`);
      fs.mkdirSync(folder);
      const [command, ...args] = make(folder, count);
      const name = `${kind}: ${count.toLocaleString("en")} ${unit}`;
      return {
        ...pagekin(context, command, name, args, ...(command === "replay" ? [] : ["--workers", "1"])),
        times: RUNS,
      };
    });
    return { kind, small, large };
  });
  return {
    programs: [NODE, ...pairs.flatMap(({ small, large }) => [small, large])],
    reference: NODE.name,
    rounds: RUNS,
    bars: (results) => {
      const cpuOf = ({ name }) => results.get(name).samples.map((sample) => sample?.cpu);
      const bare = cpuOf(NODE);
      return pairs.map(({ kind, small, large }) => {
        const less = cpuOf(small);
        const ratios = cpuOf(large).map((cpu, round) => (cpu - bare[round]) / (less[round] - bare[round]));
        return { name: `${kind}, ${TIMES} times as many, CPU less node -e 0`, got: median(ratios), limit: LIMIT };
      });
    },
  };
}
