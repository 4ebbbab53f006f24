import { getCurrentRun } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import type { AgentTool, PlanTool } from "./adapter-subject.ts";
import type { CaseBody } from "./contract-case-body.ts";
import { expectComplete, expectDone, expectIncludes, expectRunEnded, expectTrue, ToolBox } from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

const rule = (control: "CONTINUE" | "TERMINATE"): Rule => ({
  name: "no send",
  on: "tool.before",
  tool: { name: "send" },
  effect: control === "CONTINUE" ? { type: "block" } : { type: "block", control },
});

function agentTool(model: ScriptedModel, tools: readonly PlanTool[]): AgentTool {
  return { name: "research", tags: [], agent: { model, tools, system: undefined } };
}

/** Cases about agents in agents, aborts, and several copies of a package. */
export const NESTED_CASES: readonly CaseBody[] = [
  {
    id: "nested.block",
    title: "the tools of an agent that a tool runs are governed in the same run",
    fits: (mode) => mode.can?.nest !== false,
    run: async (world) => {
      const box = new ToolBox();
      const inner = new ScriptedModel([{ calls: [["read"], ["send"]] }, { say: "found it" }]);
      const outer = new ScriptedModel([
        { calls: [["research", { prompt: "find it" }, "outer-1"]] },
        { say: "finished" },
      ]);
      const tools = [agentTool(inner, [box.tool("read"), box.tool("send")])];
      const outcome = await world.run({ hb: world.client({ rules: [rule("CONTINUE")] }), model: outer, tools });
      expectDone(outcome);
      expectEqual("executed", box.names, ["read"]);
      expectIncludes("what the outer model is told", outer.sentIn(1), "found it");
      expectEqual(
        "decisions",
        world.eventsOf("tool.decision").map(({ data }) => data.tool.name),
        ["research", "read", "send"],
      );
      expectRunEnded(world, "success");
      expectComplete(world);
    },
  },
  {
    id: "nested.terminate",
    title: "an inner call that ends the run ends the outer loop too",
    fits: (mode) => mode.can?.nest !== false,
    run: async (world) => {
      const box = new ToolBox();
      const inner = new ScriptedModel([{ calls: [["send"]] }, { say: "never" }]);
      const outer = new ScriptedModel([{ calls: [["research", { prompt: "find it" }, "outer-1"]] }, { say: "never" }]);
      const tools = [agentTool(inner, [box.tool("send")])];
      const outcome = await world.run({ hb: world.client({ rules: [rule("TERMINATE")] }), model: outer, tools });
      expectDone(outcome);
      expectEqual("executed", box.names, []);
      expectEqual("model requests", [outer.requests.length, inner.requests.length], [1, 1]);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "abort.signal",
    title: "the caller's abort reaches the tools that run",
    run: async (world) => {
      const controller = new AbortController();
      let wasAborted = false;
      const box = new ToolBox();
      const slow = box.tool("slow", (_: unknown, { signal }: { readonly signal: AbortSignal | undefined }) => {
        return new Promise((resolve) => {
          signal?.addEventListener("abort", () => {
            wasAborted = true;
            resolve("stopped");
          });
          controller.abort();
        });
      });
      const model = new ScriptedModel([{ calls: [["slow"]] }, { say: "never" }]);
      await world.run({ hb: world.client(), model, tools: [slow], signal: controller.signal });
      await world.settle();
      expectTrue("the running tool was aborted", wasAborted);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "abort.no-start",
    title: "no tool starts after the caller aborted",
    run: async (world) => {
      const controller = new AbortController();
      const box = new ToolBox();
      const model = new ScriptedModel([{ say: "x", calls: [["send"]], after: () => controller.abort() }]);
      await world.run({ hb: world.client(), model, tools: [box.tool("send")], signal: controller.signal });
      await world.settle();
      expectEqual("executed", box.names, []);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "copies.current-run",
    title: "a second copy of the SDK finds the current run",
    fits: (_mode, subject) => subject.secondCopyOfCore !== undefined,
    run: async (world) => {
      const copy = await world.subject.secondCopyOfCore?.();
      expectTrue("the copy is another one", copy !== undefined && copy.getCurrentRun !== getCurrentRun);
      const seen: (string | undefined)[] = [];
      const box = new ToolBox();
      const read = box.tool("read", () => {
        seen.push(copy?.getCurrentRun()?.runId);
        return 1;
      });
      const model = new ScriptedModel([{ calls: [["read"]] }]);
      await world.run({ hb: world.client(), model, tools: [read] });
      expectEqual("the current run", seen, [world.eventsOf("run.started")[0]?.runId]);
    },
  },
  {
    id: "copies.governed-twice",
    title: "what is governed twice is decided and recorded once",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"], ["send"]] }, { say: "finished" }]);
      const tools = [box.tool("read"), box.tool("send")];
      const hb = world.client({ rules: [rule("CONTINUE")] });
      const outcome = await world.run({ hb, model, tools, governTwice: true });
      expectDone(outcome);
      expectEqual("executed", box.names, ["read"]);
      expectEqual("decisions", world.eventsOf("tool.decision").length, 2);
      expectEqual("model decisions", world.eventsOf("llm.decision").length, 2);
      expectRunEnded(world, "success");
      expectComplete(world);
    },
  },
];
