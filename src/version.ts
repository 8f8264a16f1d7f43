import { readFileSync } from "node:fs";

const { version, engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The version of the package. */
export const VERSION: string = version;

/** The oldest Node that the package is for, such as 20.19. */
export const OLDEST_NODE: string = engines.node.replace(">=", "");
