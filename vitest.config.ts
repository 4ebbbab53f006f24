import { defineConfig } from "vitest/config";

// Packages resolve to their source, so that a test needs no build. Naming conditions replaces the defaults: what
// `node` means to an import must be named again. `module` is left out, as Node.js leaves it out: some packages keep
// behind it what only bundlers can resolve.
const conditions = ["@handlebar/source", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@handlebar/source", "node", "module-sync"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/*/src/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { include: ["packages/*/src/**"], reportsDirectory: "coverage" },
  },
});
