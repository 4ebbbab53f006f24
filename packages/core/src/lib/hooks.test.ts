import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { openRecorded } from "./client.test-support.ts";
import { KnownTools } from "./tool-registry.ts";

const policy = (rule: Omit<Policy["rules"][number], "name" | "on">): Policy => ({
  name: "p",
  rules: [{ name: "r", on: "tool.before", ...rule }],
});
const throwing = () => {
  throw Object.create(null);
};

describe("a batch of calls", () => {
  it("says of each why it does not start, when one of them ends the run", async () => {
    const stop = policy({ tool: { name: "stop" }, effect: { type: "block", control: "TERMINATE" } });
    const { hb } = openRecorded({ agent: { slug: "a" }, policies: [stop] });
    const [first, second] = await hb.startRun().beforeTools([
      { name: "read", args: {} },
      { name: "stop", args: {} },
    ]);
    expect(first).toMatchObject({ verdict: "BLOCK", control: "TERMINATE", cause: { kind: "RUN_ENDED" } });
    expect(second).toMatchObject({ verdict: "BLOCK", control: "TERMINATE", cause: { kind: "RULE_VIOLATION" } });
  });
});

describe("[SPEC 6.3] a user's function that throws what cannot be printed", () => {
  it("is unknown to the rule that asks it, and is told of", async () => {
    const when = { kind: "signal", signal: "s", type: "number", op: "gt", value: 1 } as const;
    const asks = policy({ when, effect: { type: "block" } });
    const { hb, events } = openRecorded({ agent: { slug: "a" }, policies: [asks], signals: { s: throwing } });
    const decision = await hb.startRun().beforeTool({ name: "read", args: {} });
    expect(decision.evaluatedRules[0]?.outcome).toBe("unknown");
    expect(events.find(({ kind }) => kind === "error")?.data).toMatchObject({ message: "unknown error" });
  });

  it("adds no metrics to a call, which ends as it did", async () => {
    const { hb } = openRecorded({ agent: { slug: "a" }, policies: [], metrics: throwing });
    const run = hb.startRun();
    const before = await run.beforeTool({ name: "read", args: {} });
    expect((await run.afterTool(before, { result: "text" })).result).toBe("text");
  });
});

describe("tools known to a client", () => {
  it("can change, though there is no room for more", () => {
    const tools = new KnownTools(Array.from({ length: 1_000 }, (_, at) => ({ name: `t${at}` })));
    expect(tools.register([{ name: "t0", tags: ["money"] }, { name: "more" }])).toEqual([
      { name: "t0", tags: ["money"] },
    ]);
    expect([tools.find("t0")?.tags, tools.find("more")]).toEqual([["money"], undefined]);
  });
});
