import type { Rule } from "@handlebar/protocol";
import {
  Agent,
  type Model,
  type ModelProvider,
  ModelRefusalError,
  Runner,
  setTracingDisabled,
  tool,
  Usage,
} from "@openai/agents";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createRun, HandlebarRunner } from "../index.ts";
import { blockTool, openWorld, say, script } from "./world.test-support.ts";

const STOP: Rule = { ...blockTool("wipe"), effect: { type: "block", control: "TERMINATE", reason: "stop here" } };
const MAIL: Rule = {
  name: "mail",
  on: ["llm.before", "llm.after"],
  effect: { type: "redact", redact: [{ detectors: ["email"] }] },
};
const noTool = (name: string) =>
  tool({ name, description: name, parameters: z.object({}), execute: async () => "ran" });
const verdict = z.object({ answer: z.string() });

describe("a run that policy ends", () => {
  it("gives the caller the reason as the agent's last words", async () => {
    const world = openWorld([STOP]);
    const agent = new Agent({ name: "a", model: script([["wipe", {}]]), tools: [noTool("wipe")] });
    const result = await world.run(agent, "go");
    expect(result.finalOutput).toBe(world.eventsOf("tool.decision")[0]?.data.message);
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["interrupted"]);
  });

  it("gives an agent with a structured output no output and no exception, streamed or not", async () => {
    for (const stream of [false, true] as const) {
      const world = openWorld([STOP]);
      const agent = new Agent({
        name: "a",
        model: script([["wipe", {}]]),
        tools: [noTool("wipe")],
        outputType: verdict,
      });
      const result = stream ? await world.run(agent, "go", { stream }) : await world.run(agent, "go");
      if ("completed" in result) await result.completed;
      expect(result.finalOutput).toBeUndefined();
      expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["interrupted"]);
    }
  });

  it("gives what the program's handler of refusals makes of it", async () => {
    const world = openWorld([STOP]);
    const agent = new Agent({ name: "a", model: script([["wipe", {}]]), tools: [noTool("wipe")], outputType: verdict });
    const result = await world.run(agent, "go", {
      errorHandlers: { modelRefusal: ({ error }) => ({ finalOutput: { answer: error.message } }) },
    });
    expect(result.finalOutput?.answer).toContain("stop here");
  });

  it("throws the framework's refusal at an agent with a structured output where only one request is blocked", async () => {
    const world = openWorld([{ name: "r", on: "llm.before", effect: { type: "block", reason: "not now" } }]);
    const structured = new Agent({ name: "a", model: script(), outputType: verdict });
    await expect(world.run(structured, "go")).rejects.toThrow("not now");
    const text = await world.run(new Agent({ name: "b", model: script() }), "go");
    expect(text.finalOutput).toContain("not now");
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["error", "success"]);
  });

  it("leaves a model's own refusals to the program", async () => {
    const refuses = () =>
      script([
        {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "refusal", refusal: "I will not" }],
        },
      ]);
    const world = openWorld([]);
    const agent = () => new Agent({ name: "a", model: refuses(), outputType: verdict });
    await expect(world.run(agent(), "go")).rejects.toThrow(ModelRefusalError);
    const handled = await world.run(agent(), "go", {
      errorHandlers: { default: () => ({ finalOutput: { answer: "none" } }) },
    });
    expect(handled.finalOutput).toEqual({ answer: "none" });
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["error", "success"]);
  });
});

describe("models", () => {
  it("that a provider gives by name are governed, in agents used as tools too, and the run knows their names", async () => {
    const world = openWorld([MAIL]);
    const models: Record<string, ReturnType<typeof script>> = {
      big: script([["ask", { input: "mail bob@example.com" }]], "done"),
      small: script("of eve@example.com"),
    };
    const asked: (string | undefined)[] = [];
    const modelProvider: ModelProvider = {
      getModel: (name) => {
        asked.push(name);
        return models[name ?? ""] ?? script();
      },
    };
    const inner = new Agent({ name: "inner", model: "small" });
    const agent = new Agent({
      name: "a",
      model: "big",
      tools: [inner.asTool({ toolName: "ask", toolDescription: "ask" })],
    });
    await new HandlebarRunner(world.hb, { modelProvider }).run(agent, "for ann@example.com");
    const sent = JSON.stringify([models["big"]?.calls, models["small"]?.calls]);
    for (const name of ["ann", "bob", "eve"]) expect(sent).not.toContain(`${name}@example.com`);
    expect(world.eventsOf("llm.result").map(({ data }) => data.model?.name)).toEqual(["big", "small", "big"]);
    expect(asked).toContain("small");
  });

  it("that cannot be changed are governed through another that stands for them", async () => {
    const world = openWorld([MAIL]);
    const sent: string[] = [];
    const frozen: Model = Object.freeze({
      getResponse: async (request: Parameters<Model["getResponse"]>[0]) => {
        sent.push(JSON.stringify(request.input));
        return { usage: new Usage(), output: [say("done")] };
      },
      getStreamedResponse: () => {
        throw new Error("not streamed");
      },
    });
    await world.run(new Agent({ name: "a", model: frozen }), "for ann@example.com");
    expect(sent.join()).not.toContain("ann@example.com");
  });

  it("keep their own methods and what `this` is to them", async () => {
    const world = openWorld([]);
    const model = script("one", "two");
    const agent = new Agent({ name: "a", model });
    await world.run(agent, "go");
    expect([agent.model === model, model.calls.length]).toEqual([true, 1]);
    await new Runner().run(agent, "go");
    expect([model.calls.length, world.eventsOf("llm.decision").length]).toEqual([2, 1]);
  });

  it("are asked with the texts of a stored prompt redacted", async () => {
    const world = openWorld([MAIL]);
    const model = script("done");
    const agent = new Agent({
      name: "a",
      model,
      prompt: { promptId: "p", variables: { who: "ann@example.com", page: { type: "input_text", text: "x" } } },
    });
    await world.run(agent, "go");
    expect(model.lastCall?.request.prompt).toEqual({
      promptId: "p",
      variables: { who: "[redacted:email]", page: { type: "input_text", text: "x" } },
    });
  });

  it("write no answer into a trace that policy may change", async () => {
    const tracing = async (rules: readonly Rule[]) => {
      const model = script("done");
      await openWorld(rules).run(new Agent({ name: "a", model }), "go");
      return model.lastCall?.request.tracing;
    };
    expect([await tracing([]), await tracing([MAIL])]).toEqual([true, "enabled_without_data"]);
  });

  it("count cached and reasoning tokens", async () => {
    const usage = new Usage({
      inputTokens: 100,
      outputTokens: 20,
      totalTokens: 120,
      inputTokensDetails: [{ cached_tokens: 40 }],
      outputTokensDetails: [{ reasoning_tokens: 5 }],
    });
    const seen: unknown[] = [];
    const world = openWorld([], {
      config: {
        prices: (_model, used) => {
          seen.push(used);
          return 0.5;
        },
      },
    });
    const modelProvider: ModelProvider = {
      getModel: () => script({ type: "response", response: { usage, output: [say("x")] } }),
    };
    await new HandlebarRunner(world.hb, { modelProvider }).run(new Agent({ name: "a", model: "m" }), "go");
    expect(seen).toEqual([{ inputTokens: 100, outputTokens: 20, cachedInputTokens: 40, reasoningTokens: 5 }]);
    expect(world.eventsOf("llm.result")[0]?.data.metrics).toMatchObject({ llm_cost_usd: 0.5 });
  });
});

describe("the framework's own ways", () => {
  it("of stopping at a tool hand a denial on as the output", async () => {
    const world = openWorld([blockTool("read")]);
    const agent = new Agent({
      name: "a",
      model: script([["read", {}]]),
      tools: [noTool("read")],
      toolUseBehavior: "stop_on_first_tool",
    });
    const result = await world.run(agent, "go");
    expect(result.finalOutput).toContain("not here");
  });

  it("of guarding twice before an approval decide once", async () => {
    const world = openWorld([]);
    const pay = tool({
      name: "pay",
      description: "pay",
      parameters: z.object({}),
      needsApproval: true,
      execute: async () => "paid",
    });
    const agent = new Agent({ name: "a", model: script([["pay", {}]], "done"), tools: [pay] });
    const options = { toolExecution: { preApprovalInputGuardrails: true } };
    const paused = await world.run(agent, "go", options);
    for (const item of paused.interruptions) paused.state.approve(item);
    const result = await world.run(agent, paused.state, options);
    expect(result.finalOutput).toBe("done");
    expect([world.eventsOf("tool.decision").length, world.eventsOf("tool.result").length]).toEqual([1, 1]);
  });

  it("of running few calls at once end with none started after policy ended the run", async () => {
    const ran: string[] = [];
    const step = (name: string) =>
      tool({
        name,
        description: name,
        parameters: z.object({}),
        execute: async () => {
          ran.push(name);
          return name;
        },
      });
    const rule: Rule = {
      name: "leak",
      on: "tool.after",
      tool: { name: "one" },
      effect: { type: "block", control: "TERMINATE" },
    };
    const world = openWorld([rule]);
    const agent = new Agent({
      name: "a",
      model: script([
        ["one", {}],
        ["two", {}],
      ]),
      tools: [step("one"), step("two")],
    });
    await world.run(agent, "go", { toolExecution: { maxFunctionToolConcurrency: 1 } });
    expect(ran).toEqual(["one"]);
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.error?.name])).toEqual([
      ["one", undefined],
      ["two", "NotStarted"],
    ]);
  });

  it("of telling what failed in a trace are read where a tool has words of its own", async () => {
    setTracingDisabled(false);
    try {
      const world = openWorld([]);
      const fail = tool({
        name: "fail",
        description: "fail",
        parameters: z.object({}),
        errorFunction: () => "the ledger is closed",
        execute: async () => {
          throw new Error("secret");
        },
      });
      await world.run(new Agent({ name: "a", model: script([["fail", {}]], "done"), tools: [fail] }), "go");
      expect(world.eventsOf("tool.result")[0]?.data).toMatchObject({
        outcome: "error",
        error: { message: "the ledger is closed" },
      });
    } finally {
      setTracingDisabled(true);
    }
  });

  it("of raising what a tool threw reach the caller, and the call is on record", async () => {
    const world = openWorld([]);
    const fail = tool({
      name: "fail",
      description: "fail",
      parameters: z.object({}),
      errorFunction: null,
      execute: async () => {
        throw new RangeError("out of range");
      },
    });
    const agent = () => new Agent({ name: "a", model: script([["fail", {}]]), tools: [fail] });
    const alone = await new Runner().run(agent(), "go").catch((error: unknown) => error);
    const governed = await world.run(agent(), "go").catch((error: unknown) => error);
    expect(String(governed)).toBe(String(alone));
    expect(world.eventsOf("tool.result").map(({ data }) => data.outcome)).toEqual(["error"]);
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["error"]);
  });

  it("of abandoning a nested streamed agent end its run once", async () => {
    const world = openWorld([]);
    const agent = new Agent({ name: "a", model: script("one two three") });
    const result = await world.run(agent, "go", { stream: true });
    for await (const event of result) if (event.type === "raw_model_stream_event") break;
    await result.completed;
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["interrupted"]);
  });
});

describe("two runs of one agent at once", () => {
  it("are each under the client that started it", async () => {
    const strict = openWorld([blockTool("read")]);
    const open = openWorld([]);
    const ran: string[] = [];
    const read = tool({
      name: "read",
      description: "read",
      parameters: z.object({}),
      execute: async () => {
        ran.push("read");
        return "x";
      },
    });
    const agent = () => new Agent({ name: "a", model: script([["read", {}]], "done"), tools: [read] });
    await Promise.all([createRun(strict.hb)(agent(), "go"), createRun(open.hb)(agent(), "go")]);
    expect([ran, strict.decided("BLOCK"), open.decided("ALLOW")]).toEqual([["read"], ["read"], ["read"]]);
  });
});
