import type { Redistributor } from "./redistributor.js";

/** What is reclaimed stays with the host. */
export const none: Redistributor = {
  name: "none",
  share: (members) => members.map(() => 0),
};
