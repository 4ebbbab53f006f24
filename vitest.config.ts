import { defineConfig } from "vitest/config";

// Packages resolve to their source, so that a test needs no build. Naming conditions replaces the defaults: what
// `node` means to an import must be named again. `module` is left out, as Node.js leaves it out: some packages keep
// behind it what only bundlers can resolve.
const conditions = ["@handlebar/source", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@handlebar/source", "node", "module-sync"] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/*/src/**/*.test.ts"],
        },
      },
      {
        // The server once more, on PostgreSQL with two processes, where `all` has it on SQLite.
        extends: true,
        test: {
          name: "postgres",
          include: ["packages/server/src/{http,life,routes,services}/**/*.test.ts"],
          env: { HANDLEBAR_TEST_STORE: "postgres" },
        },
      },
    ],
    globalSetup: ["packages/server/src/storage/postgres-server.test-support.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { include: ["packages/*/src/**"], reportsDirectory: "coverage" },
  },
});
