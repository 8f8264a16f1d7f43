import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/built.ts"],
    // Most tests wait for child processes; this is for a machine that is busy with other things.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: "100%",
    // The built library is taken as a user has it, not passed through the test runner's transforms.
    server: { deps: { external: [/\/dist\//] } },
  },
});
