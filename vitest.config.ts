import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@handlebar/source"] },
  ssr: { resolve: { conditions: ["@handlebar/source"], externalConditions: ["@handlebar/source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/*/src/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
