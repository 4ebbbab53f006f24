import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import { RetryableModelError } from "./adapter-subject.ts";
import type { CaseBody } from "./contract-case-body.ts";
import { expectComplete, expectDone, expectRunEnded, ToolBox } from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

export const AUDIT_CASES: readonly CaseBody[] = [
  {
    id: "audit.complete",
    title: "each call has one decision and each executed call one result, with sequence numbers without a gap",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([
        { calls: [["read"], ["fail"], ["send"]] },
        { calls: [["read"], ["send"]] },
        { say: "finished" },
      ]);
      const fail = box.tool("fail", () => Promise.reject(new Error("out of order")));
      const rule: Rule = { name: "no send", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } };
      await world.run({
        hb: world.client({ rules: [rule] }),
        model,
        tools: [box.tool("read"), box.tool("send"), fail],
      });
      expectComplete(world);
      expectEqual("decisions", world.eventsOf("tool.decision").length, 5);
      expectEqual(
        "results",
        world
          .eventsOf("tool.result")
          .map(({ data }) => [data.tool.name, data.outcome])
          .sort(),
        [
          ["fail", "error"],
          ["read", "success"],
          ["read", "success"],
        ],
      );
      expectRunEnded(world, "success");
    },
  },
  {
    id: "audit.order",
    title: "events stand in the order of what happened",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { say: "finished" }]);
      await world.run({ hb: world.client(), model, tools: [box.tool("read")] });
      expectEqual(
        "kinds of events",
        world.events.map(({ kind }) => kind).filter((kind) => kind !== "message.raw.created"),
        [
          "run.started",
          "llm.decision",
          "llm.result",
          "tool.decision",
          "tool.result",
          "llm.decision",
          "llm.result",
          "run.ended",
        ],
      );
    },
  },
  {
    id: "audit.usage",
    title: "the tokens of each model call are counted once",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([
        { calls: [["read"]], usage: { inputTokens: 100, outputTokens: 7 } },
        { say: "finished", usage: { inputTokens: 130, outputTokens: 3 } },
      ]);
      await world.run({ hb: world.client(), model, tools: [box.tool("read")] });
      const counted = world.eventsOf("llm.result").map(({ data }) => data.metrics);
      expectEqual(
        "tokens",
        counted.map((metrics) => [metrics?.["llm_tokens_in"], metrics?.["llm_tokens_out"]]),
        [
          [100, 7],
          [130, 3],
        ],
      );
    },
  },
  {
    id: "audit.usage-before-tools",
    title: "the tokens of a model call count before the calls that it led to are decided",
    run: async (world) => {
      const box = new ToolBox();
      const budget: Rule = {
        name: "token budget",
        on: "tool.before",
        when: { kind: "metricWindow", metric: "llm_tokens_out", aggregate: "sum", scope: "run", op: "gt", value: 50 },
        effect: { type: "block" },
      };
      const model = new ScriptedModel([
        { calls: [["read", { n: 1 }]], usage: { inputTokens: 1, outputTokens: 20 } },
        { calls: [["read", { n: 2 }]], usage: { inputTokens: 1, outputTokens: 60 } },
      ]);
      const outcome = await world.run({ hb: world.client({ rules: [budget] }), model, tools: [box.tool("read")] });
      expectDone(outcome);
      expectEqual("executed", box.executed, [{ tool: "read", args: { n: 1 } }]);
    },
  },
  {
    id: "audit.retry",
    title: "a model call that the framework tries again is decided and recorded each time, and counted once",
    run: async (world) => {
      const model = new ScriptedModel([
        { throws: new RetryableModelError("busy") },
        { say: "finished", usage: { inputTokens: 3, outputTokens: 4 } },
      ]);
      const outcome = await world.run({ hb: world.client(), model, retryCount: 1 });
      expectDone(outcome);
      const results = world.eventsOf("llm.result").map(({ data }) => [data.outcome, data.metrics?.["llm_tokens_in"]]);
      expectEqual("results of model calls", results, [
        ["error", undefined],
        ["success", 3],
      ]);
      expectEqual("decisions", world.eventsOf("llm.decision").length, 2);
      expectRunEnded(world, "success");
    },
  },
  {
    id: "audit.messages-once",
    title: "a message that is sent again with every step is recorded once",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { calls: [["read"]] }, { say: "finished" }]);
      await world.run({
        hb: world.client(),
        model,
        tools: [box.tool("read")],
        system: "be kind",
        prompt: "please read",
      });
      const roles = world.eventsOf("message.raw.created").map(({ data }) => data.role);
      const count = (role: string): number => roles.filter((one) => one === role).length;
      expectEqual("messages recorded", [count("system"), count("user"), count("assistant")], [1, 1, 3]);
    },
  },
];
