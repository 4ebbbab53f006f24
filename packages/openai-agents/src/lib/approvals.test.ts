import type { ApprovalHandler } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { Agent, type AgentInputItem, MemorySession, Runner, RunState, tool } from "@openai/agents";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createRun, HandlebarRunner } from "../index.ts";
import { blockTool, openWorld, script, type World } from "./world.test-support.ts";

const ASK: Rule = { name: "ask", on: "tool.before", tool: { name: "pay" }, effect: { type: "hitl", reason: "money" } };

/** People who answer when the test says so. */
class Desk {
  readonly #waiting: ((answer: "approved" | "denied") => void)[] = [];
  readonly handler: ApprovalHandler = async () => ({
    status: await new Promise<"approved" | "denied">((resolve) => this.#waiting.push(resolve)),
    by: "ann",
  });

  async answer(status: "approved" | "denied"): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve(status);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function payTool(paid: number[], needsApproval?: boolean | (() => Promise<boolean>)) {
  return tool({
    name: "pay",
    description: "pay",
    parameters: z.object({ amount: z.number() }),
    ...(needsApproval === undefined ? {} : { needsApproval }),
    execute: async ({ amount }) => {
      paid.push(amount);
      return "paid";
    },
  });
}

function held(rules: readonly Rule[] = [ASK]): { readonly world: World; readonly desk: Desk } {
  const desk = new Desk();
  return { desk, world: openWorld(rules, { config: { onApproval: desk.handler } }) };
}

describe("calls that wait for a person", () => {
  it("in an agent used as a tool pause the outer agent, and go on inside it", async () => {
    const { world, desk } = held();
    const paid: number[] = [];
    const inner = new Agent({
      name: "inner",
      model: script([["pay", { amount: 900 }]], "inner done"),
      tools: [payTool(paid)],
    });
    const outer = new Agent({
      name: "outer",
      model: script([["ask_inner", { input: "pay" }]], "outer done"),
      tools: [inner.asTool({ toolName: "ask_inner", toolDescription: "inner" })],
    });
    const paused = await world.run(outer, "go");
    expect(paused.interruptions.map(({ name, agent }) => [name, agent.name])).toEqual([["pay", "inner"]]);
    const stored = paused.state.toString();
    await desk.answer("approved");
    const result = await world.run(outer, await RunState.fromString(outer, stored));
    expect([result.finalOutput, paid]).toEqual(["outer done", [900]]);
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.result])).toEqual([
      ["pay", "paid"],
      ["ask_inner", "inner done"],
    ]);
    expect(world.eventsOf("run.ended")).toHaveLength(1);
  });

  it("pause a streamed run", async () => {
    const { world, desk } = held();
    const paid: number[] = [];
    const agent = new Agent({ name: "a", model: script([["pay", { amount: 900 }]], "done"), tools: [payTool(paid)] });
    const paused = await world.run(agent, "go", { stream: true });
    await paused.completed;
    expect(paused.interruptions).toHaveLength(1);
    await desk.answer("approved");
    const result = await world.run(agent, paused.state, { stream: true });
    await result.completed;
    expect([result.finalOutput, paid]).toEqual(["done", [900]]);
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });

  it("pause themselves alone among calls of one tool", async () => {
    const { world } = held([
      { ...ASK, when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 } },
    ]);
    const paid: number[] = [];
    const model = script([
      ["pay", { amount: 1 }],
      ["pay", { amount: 900 }],
      ["pay", { amount: 2 }],
    ]);
    const paused = await world.run(new Agent({ name: "a", model, tools: [payTool(paid)] }), "go");
    expect(paused.interruptions.map((item) => item.arguments)).toEqual(['{"amount":900}']);
    expect(paid).toEqual([1, 2]);
  });

  it("wait for the program's own person too, where the tool asks for one", async () => {
    const { world, desk } = held();
    const paid: number[] = [];
    const agent = new Agent({
      name: "a",
      model: script([["pay", { amount: 900 }]], "done"),
      tools: [payTool(paid, true)],
    });
    const paused = await world.run(agent, "go");
    await desk.answer("approved");
    const again = await world.run(agent, paused.state);
    expect([again.interruptions.length, paid]).toEqual([1, []]);
    for (const item of again.interruptions) again.state.approve(item);
    const result = await world.run(agent, again.state);
    expect([result.finalOutput, paid]).toEqual(["done", [900]]);
  });

  it("leave interruptions of the program's own to the program", async () => {
    const world = openWorld([]);
    const paid: number[] = [];
    const agent = new Agent({
      name: "a",
      model: script([["pay", { amount: 5 }]], "done"),
      tools: [payTool(paid, true)],
    });
    const paused = await world.run(agent, "go");
    const waiting = await world.run(agent, await RunState.fromString(agent, paused.state.toString()));
    expect([waiting.interruptions.length, paid]).toEqual([1, []]);
    for (const item of waiting.interruptions) waiting.state.reject(item, { message: "no" });
    const result = await world.run(agent, waiting.state);
    expect([result.finalOutput, paid]).toEqual(["done", []]);
  });

  it("are not let through by an approval of the framework's that counts for a whole tool", async () => {
    const { world } = held();
    const paid: number[] = [];
    const agent = new Agent({ name: "a", model: script([["pay", { amount: 900 }]], "done"), tools: [payTool(paid)] });
    const paused = await world.run(agent, "go");
    for (const item of paused.interruptions) paused.state.approve(item, { alwaysApprove: true });
    await world.run(agent, paused.state);
    expect(paid).toEqual([]);
  });

  it("come back as denied where the program wants no pauses", async () => {
    const desk = new Desk();
    const world = openWorld([ASK], { config: { onApproval: desk.handler }, options: { approvals: "block" } });
    const paid: number[] = [];
    const model = script([["pay", { amount: 900 }]], "done");
    const result = await world.run(new Agent({ name: "a", model, tools: [payTool(paid)] }), "go");
    expect([result.finalOutput, result.interruptions, paid]).toEqual(["done", [], []]);
    expect(world.eventsOf("tool.decision")).toHaveLength(1);
  });
});

describe("a paused run", () => {
  it("goes on in another process with what it remembered, and its events follow without a gap", async () => {
    const first = held();
    const paid: number[] = [];
    const make = () =>
      new Agent({
        name: "a",
        model: script([["pay", { amount: 900 }]], "done"),
        tools: [payTool(paid)],
      });
    const paused = await first.world.run(make(), "go");
    const second = openWorld([{ ...blockTool("pay"), when: { kind: "maxCalls", scope: "run", max: 0 } }]);
    const agent = new Agent({ name: "a", model: script("done"), tools: [payTool(paid)] });
    const result = await second.run(agent, await RunState.fromString(agent, paused.state.toString()));
    expect(result.finalOutput).toBe("done");
    const [started] = second.eventsOf("run.started");
    const last = first.world.eventsOf("approval.requested").at(-1);
    expect([started?.runId, started?.data.resumed]).toEqual([first.world.eventsOf("run.started")[0]?.runId, true]);
    expect(started?.seq).toBeGreaterThan(last?.seq ?? Number.POSITIVE_INFINITY);
  });

  it("of an agent in an agent goes on in another process, inside the inner one", async () => {
    const paid: number[] = [];
    const make = (inner: ReturnType<typeof script>, outer: ReturnType<typeof script>) =>
      new Agent({
        name: "outer",
        model: outer,
        tools: [
          new Agent({ name: "inner", model: inner, tools: [payTool(paid)] }).asTool({
            toolName: "ask_inner",
            toolDescription: "inner",
          }),
        ],
      });
    const first = held();
    const before = make(script([["pay", { amount: 900 }]]), script([["ask_inner", { input: "pay" }]]));
    const paused = await first.world.run(before, "go");
    const second = openWorld([ASK], {
      config: { onApproval: () => ({ status: "approved", by: "ann" }), approvalWaitMs: 5_000 },
    });
    const after = make(script("inner done"), script("outer done"));
    const result = await second.run(after, await RunState.fromString(after, paused.state.toString()));
    expect([result.finalOutput, paid]).toEqual(["outer done", [900]]);
    expect(second.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.result])).toEqual([
      ["pay", "paid"],
      ["ask_inner", "inner done"],
    ]);
    expect(second.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });

  it("is not joined by another actor who got hold of its state", async () => {
    const { world } = held();
    const paid: number[] = [];
    const agent = new Agent({ name: "a", model: script([["pay", { amount: 900 }]], "done"), tools: [payTool(paid)] });
    const paused = await world.run(agent, "go", { handlebar: { actor: { externalId: "ann" } } });
    await world.run(agent, paused.state, { handlebar: { actor: { externalId: "eve" } } });
    const starts = world.eventsOf("run.started").map(({ runId, data }) => [runId, data.actor?.externalId]);
    expect(new Set(starts.map(([runId]) => runId)).size).toBe(2);
    expect(starts.map(([, actor]) => actor)).toEqual(["ann", "eve"]);
    expect(paid).toEqual([]);
  });

  it("whose state was read before anything was governed is governed all the same", async () => {
    const ran: string[] = [];
    class OwnAgent extends Agent {}
    const make = () =>
      new OwnAgent({
        name: "a",
        model: script([["wipe", {}]], "done"),
        tools: [
          tool({
            name: "wipe",
            description: "wipe",
            parameters: z.object({}),
            needsApproval: true,
            execute: async () => {
              ran.push("wipe");
              return "wiped";
            },
          }),
        ],
      });
    const first = make();
    const paused = await new Runner().run(first, "go");
    const agent = new OwnAgent({ name: "a", model: script("done"), tools: first.tools });
    const state = await RunState.fromString(agent, paused.state.toString());
    for (const item of state.getInterruptions()) state.approve(item);
    const world = openWorld([blockTool("wipe")]);
    const result = await world.run(agent, state);
    expect([result.finalOutput, ran]).toEqual(["done", []]);
  });
});

describe("sessions", () => {
  it("keep redacted results, and what the agent said", async () => {
    const world = openWorld([
      { name: "r", on: "tool.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ]);
    const session = new MemorySession();
    const read = tool({
      name: "read",
      description: "read",
      parameters: z.object({}),
      execute: async () => "bob@example.com",
    });
    const agent = new Agent({ name: "a", model: script([["read", {}]], "first", "second"), tools: [read] });
    await world.run(agent, "one", { session });
    const result = await world.run(agent, "two", { session });
    const items: AgentInputItem[] = await session.getItems();
    expect(result.finalOutput).toBe("second");
    expect(JSON.stringify(items)).not.toContain("bob@example.com");
    expect(items.filter((item) => "role" in item)).toHaveLength(4);
  });
});

describe("createRun", () => {
  it("governs a runner of the program's, whose hooks go on", async () => {
    const world = openWorld([blockTool("pay")]);
    const paid: number[] = [];
    const runner = new Runner({ workflowName: "billing" });
    const heard: string[] = [];
    runner.on("agent_start", (_context, { name }) => heard.push(name));
    const run = createRun(world.hb, { runner });
    const agent = new Agent({ name: "a", model: script([["pay", { amount: 1 }]], "done"), tools: [payTool(paid)] });
    const result = await run(agent, "go");
    expect([result.finalOutput, paid, heard]).toEqual(["done", [], ["a"]]);
  });

  it("leaves a runner that is governed already as it is", () => {
    const { hb } = openWorld([]);
    const runner = new HandlebarRunner(hb);
    expect(createRun(hb, { runner })).toBe(runner.run);
  });

  it("asks for each run's start, and a call's own is laid over it", async () => {
    let count = 0;
    const world = openWorld([], { options: { start: () => ({ sessionId: `s${++count}`, tags: { a: "1" } }) } });
    const agent = new Agent({ name: "a", model: script("one", "two") });
    await world.run(agent, "go");
    await world.run(agent, "go", { handlebar: { tags: { a: "2" } } });
    expect(world.eventsOf("run.started").map(({ sessionId, data }) => [sessionId, data.tags])).toEqual([
      ["s1", { a: "1" }],
      ["s2", { a: "2" }],
    ]);
    expect(world.eventsOf("run.started")[0]?.data.adapter?.name).toBe("@handlebar/openai-agents");
  });
});
