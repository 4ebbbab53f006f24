import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { openRecorded } from "./client.test-support.ts";

const budget = (scope: "run" | "agent"): Policy => ({
  name: "budget",
  rules: [
    {
      name: "spend",
      on: ["tool.before", "llm.before"],
      when: {
        kind: "metricWindow",
        scope,
        metric: "usd",
        aggregate: "sum",
        windowSeconds: 3_600,
        op: "gt",
        value: 130,
        estimate: 60,
      },
      effect: { type: "block" },
    },
  ],
});
const pay = (callId: string) => ({ name: "pay", args: {}, callId });

describe("estimates of calls in flight", () => {
  it("count for each run, though the ids of their calls are alike", async () => {
    const { hb } = openRecorded({ agent: { slug: "a" }, policies: [budget("agent")] });
    const runs = [hb.startRun(), hb.startRun(), hb.startRun()];
    const decisions = [];
    for (const run of runs) decisions.push(await run.beforeTool(pay("call_0")));
    expect(decisions.map(({ verdict }) => verdict)).toEqual(["ALLOW", "ALLOW", "BLOCK"]);
    // The end of one call settles its own estimate alone.
    await runs[0]?.afterTool(decisions[0] ?? expect.fail(), { result: "paid", metrics: { usd: 1 } });
    const verdicts = [await hb.startRun().beforeTool(pay("call_0")), await hb.startRun().beforeTool(pay("call_0"))];
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["ALLOW", "BLOCK"]);
  });

  it.each(["run", "agent"] as const)("count for each call of one id, in a window of the %s", async (scope) => {
    const { hb } = openRecorded({ agent: { slug: "a" }, policies: [budget(scope)] });
    const run = hb.startRun();
    const verdicts = [];
    for (let count = 0; count < 4; count++) verdicts.push((await run.beforeTool(pay("call_1"))).verdict);
    expect(verdicts).toEqual(["ALLOW", "ALLOW", "BLOCK", "BLOCK"]);
  });

  it("tell a model call from a tool call of the same id", async () => {
    const { hb } = openRecorded({ agent: { slug: "a" }, policies: [budget("agent")] });
    const run = hb.startRun();
    const verdicts = [
      await run.beforeLlm({ callId: "x", messages: [] }),
      await run.beforeTool(pay("x")),
      await run.beforeTool(pay("z")),
    ];
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["ALLOW", "ALLOW", "BLOCK"]);
  });
});
