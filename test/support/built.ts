import { existsSync } from "node:fs";
import { MAIN } from "./pagekin.js";

/** The tests go through the doors of the built package. */
export default function checkBuilt(): void {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build first`);
}
