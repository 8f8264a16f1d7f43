// How long 1,000 random groupings of a saved spectrum's members take to score: node bench/score.mjs SPECTRUM
// Prints seconds, at the spectrum's first time and page size.

import { groupBy, readSpectra, score, viewOf } from "pagekin";

const GROUPINGS = 1000;
const MOST_GROUPS = 16;

const [spectrum] = await readSpectra(process.argv[2]);
const began = performance.now();
const view = viewOf(spectrum, "counted");
// As without labels: each member is its own tenant.
const tenants = Uint32Array.from(spectrum.members.keys());
let frames = 0;
for (let number = 0; number < GROUPINGS; number++) {
  const groups = 1 + Math.floor(Math.random() * MOST_GROUPS);
  const grouping = groupBy(spectrum.members.map(() => String(Math.floor(Math.random() * groups))));
  frames += score(view, grouping, tenants).frames;
}
const seconds = (performance.now() - began) / 1000;
if (!(frames > 0)) throw new Error("nothing was scored");
console.log(seconds.toFixed(3));
