import { defineConfig } from "vitest/config";
import { MOST_MS } from "./test/support/time-limit.js";

/** Slow proof: guests and processes run for it, or it is of something large, or of very many cases. */
const FULL = "test/**/*.full.test.ts";

export default defineConfig({
  test: {
    globalSetup: ["test/support/built.ts"],
    testTimeout: MOST_MS,
    hookTimeout: MOST_MS,
    slowTestThreshold: 10_000,
    // Some tests change the folder that their process is in.
    pool: "forks",
    maxWorkers: "100%",
    reporters: ["default", "./test/support/skipped-reporter.ts"],
    // The built library is taken as a user has it, not passed through the test runner's transforms.
    server: { deps: { external: [/\/dist\//] } },
    projects: [
      { extends: true, test: { name: "test", include: ["test/**/*.test.ts"], exclude: [FULL] } },
      { extends: true, test: { name: "test:full", include: [FULL] } },
    ],
  },
});
