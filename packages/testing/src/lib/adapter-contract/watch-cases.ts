import type { HandlebarConfig } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import type { CaseBody } from "./contract-case-body.ts";
import type { ContractWorld } from "./contract-world.ts";
import { expectComplete, expectRunEnded, ToolBox } from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

/** Rules that would change everything. */
const EVERYTHING: readonly Rule[] = [
  { name: "no model", on: "llm.before", effect: { type: "block", control: "TERMINATE" } },
  { name: "no answer", on: "llm.after", effect: { type: "block" } },
  { name: "no tool", on: "tool.before", effect: { type: "block", control: "TERMINATE" } },
  { name: "ask", on: "tool.before", effect: { type: "hitl" } },
  {
    name: "redact",
    on: ["tool.before", "tool.after", "llm.before", "llm.after"],
    effect: { type: "redact", redact: [{ detectors: ["email"] }] },
  },
];

async function expectNothingChanges(world: ContractWorld, config: Partial<HandlebarConfig>): Promise<void> {
  const play = async (hb: ReturnType<typeof world.client> | undefined) => {
    const box = new ToolBox();
    const model = new ScriptedModel([
      { say: ["look at ", "bob@example.com"], calls: [["read", { who: "ann@example.com" }], ["fail"]] },
      { say: ["fin", "ished"] },
    ]);
    const fail = box.tool("fail", () => {
      throw new RangeError("out of range");
    });
    const outcome = await world.run({
      hb,
      model,
      tools: [box.tool("read", { mail: "carl@example.com" }), fail],
      system: "you are dora@example.com",
      prompt: "mail eve@example.com",
      approvals: "native",
    });
    const { status, text, chunks, results } = outcome;
    return { requests: model.requests, executed: box.executed, status, text, chunks, results };
  };
  const alone = await play(undefined);
  expectEqual("what happens under policy", await play(world.client({ rules: [...EVERYTHING], ...config })), alone);
  expectRunEnded(world, "success");
  expectComplete(world);
}

export const WATCH_CASES: readonly CaseBody[] = [
  {
    id: "shadow.nothing-changes",
    title: "in shadow the model, the tools and the caller see what they see without us",
    run: async (world) => {
      await expectNothingChanges(world, { enforceMode: "shadow" });
      const shadows = world.eventsOf("tool.decision").map(({ data }) => data.shadow?.verdict);
      expectEqual("what would have been decided", shadows, ["BLOCK", "BLOCK"]);
    },
  },
  {
    id: "off.nothing-changes",
    title: "switched off, nothing is evaluated and the run is still recorded",
    run: async (world) => {
      await expectNothingChanges(world, { enforceMode: "off" });
      const rules = world.eventsOf("tool.decision").flatMap(({ data }) => data.evaluatedRules);
      expectEqual("rules evaluated", rules, []);
    },
  },
];
