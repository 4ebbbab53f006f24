import type { HandlebarConfig } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import type { CaseBody } from "./contract-case-body.ts";
import type { ContractWorld } from "./contract-world.ts";
import { expectComplete, expectDone, ToolBox } from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

const broken = (): never => {
  throw new Error("broken");
};

/** An agent with a tool that works and one that fails, compared with itself without us. */
async function expectSame(
  world: ContractWorld,
  config: Partial<HandlebarConfig> & { readonly rules?: readonly Rule[] },
) {
  const play = async (hb: ReturnType<typeof world.client> | undefined) => {
    const box = new ToolBox();
    const model = new ScriptedModel([{ calls: [["read"], ["fail"]] }, { say: "finished" }]);
    const fail = box.tool("fail", () => {
      throw new RangeError("out of range");
    });
    const outcome = await world.run({ hb, model, tools: [box.tool("read", { a: 1 }), fail] });
    return { status: outcome.status, text: outcome.text, requests: model.requests, executed: box.names };
  };
  const alone = await play(undefined);
  expectEqual("what happens under policy", await play(world.client(config)), alone);
}

export const ERROR_CASES: readonly CaseBody[] = [
  {
    id: "errors.tool",
    title: "what a tool throws is handled as without us, and recorded",
    run: async (world) => {
      await expectSame(world, {});
      const failed = world.eventsOf("tool.result").find(({ data }) => data.tool.name === "fail");
      expectEqual("the recorded error", failed?.data.error?.message, "out of range");
      expectComplete(world);
    },
  },
  {
    id: "errors.user-functions",
    title: "signals, extractors and metrics that throw do not reach the agent",
    run: async (world) => {
      const rule: Rule = {
        name: "risky",
        on: "tool.before",
        when: { kind: "signal", signal: "risk", type: "number", op: "gt", value: 1 },
        onUnknown: "skip",
        effect: { type: "block" },
      };
      await expectSame(world, { rules: [rule], signals: { risk: broken }, metrics: broken, subjects: broken });
    },
  },
  {
    id: "errors.sink",
    title: "a sink that throws does not reach the agent",
    run: (world) => expectSame(world, { sinks: [{ name: "broken", write: broken }] }),
  },
  {
    id: "errors.open",
    title: "without its control plane an open client lets the agent go on",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { say: "finished" }]);
      const hb = world.connectedClient({ initTimeoutMs: 0, failClosed: false });
      const outcome = await world.run({ hb, model, tools: [box.tool("read")] });
      expectDone(outcome);
      expectEqual("executed", box.names, ["read"]);
    },
  },
  {
    id: "errors.closed",
    title: "without its control plane a closed client starts nothing, and the caller sees no exception",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { say: "finished" }]);
      const hb = world.connectedClient({ initTimeoutMs: 0, failClosed: true });
      const outcome = await world.run({ hb, model, tools: [box.tool("read")] });
      expectDone(outcome);
      expectEqual("executed and asked", [box.names, model.requests.length], [[], 0]);
    },
  },
];
