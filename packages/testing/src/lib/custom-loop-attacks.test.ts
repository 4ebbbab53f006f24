import { describe, expect, it } from "vitest";
import { attackSuite } from "./approvals/attack-suite.ts";
import { attackWays } from "./approvals/attack-ways.ts";
import { playLoop } from "./custom-loop.fixture.ts";

const suite = attackSuite(
  { column: "hand-written loop", framework: "a loop written by hand" },
  attackWays({
    adapter: "no framework",
    framework: "a loop written by hand",
    modes: [{ name: "loop", streams: false, can: { pause: true } }],
    run: (plan) => playLoop(plan),
    resume: (plan, paused) => playLoop(plan, paused.state),
  }),
);

describe("approvals under attack, in a loop written by hand", () => {
  for (const { name, run } of suite.cases) it(name, run);

  it("give the results that are checked in", async () => {
    await expect(`${JSON.stringify(suite.results(), null, 2)}\n`).toMatchFileSnapshot("../../approval-attacks.json");
  });
});
