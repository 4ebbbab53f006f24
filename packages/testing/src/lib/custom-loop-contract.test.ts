import { describe, expect, it, vi } from "vitest";
import { adapterContract } from "./adapter-contract.ts";
import { playLoop } from "./custom-loop.fixture.ts";

const contract = adapterContract({
  adapter: "no framework",
  framework: "a loop written by hand",
  modes: [
    { name: "loop", streams: false, can: { pause: true } },
    { name: "loop, read piece by piece", streams: true, can: { pause: true } },
  ],
  run: (plan) => playLoop(plan),
  resume: (plan, paused) => playLoop(plan, paused.state),
  secondCopyOfCore: () => {
    vi.resetModules();
    return import("@handlebar/core");
  },
});

describe("the adapter contract with a loop written by hand", () => {
  for (const { name, run } of contract.cases) it(name, run);

  it("gives the results that are checked in", async () => {
    await expect(`${JSON.stringify(contract.results(), null, 2)}\n`).toMatchFileSnapshot("../../contract-results.json");
  });
});
