import { Handlebar, type HandlebarConfig } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { ScriptedModel } from "@handlebar/testing";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import {
  createAgent,
  createMiddleware,
  humanInTheLoopMiddleware,
  summarizationMiddleware,
  toolCallLimitMiddleware,
  toolErrorMiddleware,
  toolRetryMiddleware,
} from "langchain";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { governAgent } from "./govern-agent.ts";
import { governModel } from "./govern-model.ts";
import { governTools } from "./govern-tools.ts";
import { handlebar } from "./middleware.ts";
import { ScriptedChatModel } from "./scripted-chat-model.fixture.ts";

// The list of middleware is inferred tool by tool; tests put it together as they go.
type AgentParams = Parameters<typeof createAgent>[0];
type Rules = NonNullable<HandlebarConfig["policies"]>[number]["rules"];

function open(rules: Rules = [], config: Partial<HandlebarConfig> = {}) {
  const sink = memorySink();
  const hb = Handlebar.init({
    agent: { slug: "traps" },
    policies: [{ name: "p", rules }],
    sinks: [sink],
    runtime: { env: () => undefined },
    ...config,
  });
  const kinds = (kind: string) => sink.events.filter((event) => event.kind === kind).map(({ data }) => data as never);
  return { hb, sink, kinds };
}

const block = (name: string, control?: "TERMINATE"): Rules[number] => ({
  name: `no ${name}`,
  on: "tool.before",
  tool: { name },
  effect: control === undefined ? { type: "block", reason: "not today" } : { type: "block", control },
});
const ask: Rules[number] = { name: "ask", on: "tool.before", tool: { name: "pay" }, effect: { type: "hitl" } };
const model = (...lines: ConstructorParameters<typeof ScriptedModel>[0]) => {
  const scripted = new ScriptedModel(lines);
  return { scripted, chat: new ScriptedChatModel(scripted) };
};
const go = { messages: [{ role: "user" as const, content: "go" }] };
const contents = ({ messages }: { readonly messages: readonly { readonly text: string }[] }) =>
  messages.map(({ text }) => text);

describe("tools of an agent", () => {
  it("that return directly do not end the agent when they are blocked", async () => {
    const { hb } = open([block("look")]);
    const { chat, scripted } = model({ calls: [["look"]] }, { say: "went on" });
    const look = tool(() => "found", { name: "look", schema: z.object({}), returnDirect: true });
    const result = await governAgent(hb, createAgent({ model: chat, tools: [look] })).invoke(go);
    expect([contents(result).at(-1), scripted.requests.length]).toEqual(["went on", 2]);
  });

  it("are decided with the arguments that their code gets, defaults and conversions included", async () => {
    const { hb, kinds } = open([
      {
        name: "large",
        on: "tool.before",
        tool: { name: "pay" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "block" },
      },
    ]);
    const { chat } = model({ calls: [["pay", { amount: "900" }]] }, { calls: [["pay", {}]] }, { say: "done" });
    const paid: number[] = [];
    const pay = tool(({ amount }) => paid.push(amount), {
      name: "pay",
      schema: z.object({ amount: z.coerce.number().default(900) }),
    });
    await governAgent(hb, createAgent({ model: chat, tools: [pay] })).invoke(go);
    expect(paid).toEqual([]);
    expect(kinds("tool.decision").map(({ args }: { args: unknown }) => args)).toEqual([
      { amount: 900 },
      { amount: 900 },
    ]);
  });

  it("tell the model of arguments that do not fit, and the call is recorded as failed", async () => {
    const { hb, kinds } = open();
    const { chat, scripted } = model({ calls: [["pay", { amount: "x" }]] }, { say: "done" });
    const pay = tool(() => "paid", { name: "pay", schema: z.object({ amount: z.number() }) });
    const agent = createAgent({ model: chat, tools: [pay] });
    const alone = await createAgent({
      model: model({ calls: [["pay", { amount: "x" }]] }, { say: "done" }).chat,
      tools: [pay],
    }).invoke(go);
    const governed = await governAgent(hb, agent).invoke(go);
    // LangChain puts the stack of the error into what the model is told.
    const told = (result: Parameters<typeof contents>[0]) => contents(result).map((text) => text.split(/\n\s+at /)[0]);
    expect(told(governed)).toEqual(told(alone));
    expect(scripted.requests.length).toBe(2);
    expect(kinds("tool.result").map(({ outcome }: { outcome: string }) => outcome)).toEqual(["error"]);
  });

  it("keep their artifacts, and lose content and artifact alike to a redaction", async () => {
    const mail = "bob@example.com";
    const find = tool(() => [`mail ${mail}`, { to: mail, n: 1 }], {
      name: "find",
      schema: z.object({}),
      responseFormat: "content_and_artifact",
    });
    const found = async (rules: Rules) => {
      const { chat } = model({ calls: [["find"]] }, { say: "done" });
      const { messages } = await governAgent(open(rules).hb, createAgent({ model: chat, tools: [find] })).invoke(go);
      const told = messages.find((message) => ToolMessage.isInstance(message));
      return [told?.content, told?.artifact as unknown, told?.status];
    };
    expect(await found([])).toEqual([`mail ${mail}`, { to: mail, n: 1 }, "success"]);
    const redact: Rules[number] = {
      name: "no mail",
      on: "tool.after",
      effect: { type: "redact", redact: [{ detectors: ["email"] }] },
    };
    expect(await found([redact])).toEqual(["mail [redacted:email]", { to: "[redacted:email]", n: 1 }, "success"]);
  });

  it("that stream their progress say nothing of it before their result was decided", async () => {
    const { hb } = open([{ name: "withhold", on: "tool.after", effect: { type: "block" } }]);
    const work = tool(
      async function* () {
        yield "secret step";
        return "secret result";
      },
      { name: "work", schema: z.object({}) },
    );
    const { chat } = model({ calls: [["work"]] }, { say: "done" });
    const agent = governAgent(hb, createAgent({ model: chat, tools: [work as never] }));
    const seen: unknown[] = [];
    for await (const item of agent.streamEvents(go, { version: "v2" })) seen.push(item);
    expect(JSON.stringify(seen)).not.toContain("secret");
  });

  it("give commands whose messages are redacted and kept as commands", async () => {
    const { hb } = open([
      { name: "no mail", on: "tool.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ]);
    const { chat, scripted } = model({ calls: [["move", {}, "c1"]] }, { say: "done" });
    const move = tool(
      () =>
        new Command({ update: { messages: [new ToolMessage({ content: "to bob@example.com", tool_call_id: "c1" })] } }),
      { name: "move", schema: z.object({}) },
    );
    await governAgent(hb, createAgent({ model: chat, tools: [move] })).invoke(go);
    expect(JSON.stringify(scripted.requests[1]?.messages)).toContain("to [redacted:email]");
  });
});

describe("other middleware", () => {
  it("that retries tools has each try decided and recorded", async () => {
    const { hb, kinds } = open();
    const { chat } = model({ calls: [["shaky"]] }, { say: "done" });
    let tries = 0;
    const shaky = tool(
      () => {
        tries += 1;
        if (tries < 3) throw new RangeError("again");
        return "held";
      },
      { name: "shaky", schema: z.object({}) },
    );
    const retry = toolRetryMiddleware({ maxRetries: 3, initialDelayMs: 0, jitter: false, retryOn: [RangeError] });
    const result = await governAgent(
      hb,
      createAgent({ model: chat, tools: [shaky], middleware: [retry] } as unknown as AgentParams),
    ).invoke(go);
    expect(contents(result)).toContain("held");
    expect([kinds("tool.decision").length, kinds("tool.result").length]).toEqual([3, 3]);
  });

  it("that handles tool errors gets the error itself", async () => {
    const { hb } = open();
    const { chat } = model({ calls: [["fail"]] }, { say: "done" });
    const error = new RangeError("out");
    const seen: unknown[] = [];
    const fail = tool(() => Promise.reject(error), { name: "fail", schema: z.object({}) });
    const handler = toolErrorMiddleware({
      onError: (given: unknown) => {
        seen.push(given);
        return "handled";
      },
    } as never);
    await governAgent(
      hb,
      createAgent({ model: chat, tools: [fail], middleware: [handler] } as unknown as AgentParams),
    ).invoke(go);
    expect(seen[0] instanceof RangeError || (seen[0] as { error?: unknown })?.error instanceof RangeError).toBe(true);
  });

  it("that edits a call has the edited call decided", async () => {
    const { hb } = open([
      {
        name: "large",
        on: "tool.before",
        tool: { name: "pay" },
        when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
        effect: { type: "block" },
      },
    ]);
    const { chat } = model({ calls: [["pay", { amount: 1 }]] }, { say: "done" });
    const paid: number[] = [];
    const pay = tool(({ amount }) => paid.push(amount), { name: "pay", schema: z.object({ amount: z.number() }) });
    const agent = governAgent(
      hb,
      createAgent({
        model: chat,
        tools: [pay],
        checkpointer: new MemorySaver(),
        middleware: [humanInTheLoopMiddleware({ interruptOn: { pay: true } } as never)],
      } as unknown as AgentParams),
    );
    const config = { configurable: { thread_id: "t" } };
    await agent.invoke(go, config);
    const edited = { type: "edit" as const, editedAction: { name: "pay", args: { amount: 900 } } };
    const result = await agent.invoke(new Command({ resume: { decisions: [edited] } }), config);
    expect([paid, contents(result).at(-1)]).toEqual([[], "done"]);
  });

  it("whose own model calls pass by the agent's is counted", async () => {
    const { hb, kinds } = open();
    const usage = { inputTokens: 100, outputTokens: 100 };
    const summary = model({ say: "a summary", usage } as never);
    const main = model({ say: "done", usage: { inputTokens: 5, outputTokens: 5 } } as never);
    const summarize = summarizationMiddleware({
      model: summary.chat,
      trigger: { messages: 2 },
      keep: { messages: 1 },
    } as never);
    const agent = governAgent(
      hb,
      createAgent({ model: main.chat, tools: [], middleware: [summarize] } as unknown as AgentParams),
    );
    await agent.invoke({ messages: [new HumanMessage("a"), new AIMessage("b"), new HumanMessage("c")] });
    const tokens = kinds("llm.result").map(
      ({ metrics }: { metrics: Record<string, number> }) => metrics["llm_tokens_in"],
    );
    expect(tokens.sort()).toEqual([100, 5]);
  });

  it("may stop calls of its own, which leaves the rest as it is", async () => {
    const { hb } = open();
    const { chat } = model({ calls: [["a"], ["a"]] }, { say: "done" });
    const a = tool(() => "1", { name: "a", schema: z.object({}) });
    const limit = toolCallLimitMiddleware({ runLimit: 1, exitBehavior: "continue" } as never);
    const result = await governAgent(
      hb,
      createAgent({ model: chat, tools: [a], middleware: [limit] } as unknown as AgentParams),
    ).invoke(go);
    expect(contents(result).at(-1)).toBe("done");
  });

  it("has its errors reach the caller as they are", async () => {
    const { hb, kinds } = open();
    const { chat } = model({ say: "never" });
    const wall = createMiddleware({
      name: "wall",
      beforeModel: () => {
        throw new TypeError("stop");
      },
    });
    await expect(
      governAgent(hb, createAgent({ model: chat, tools: [], middleware: [wall] })).invoke(go),
    ).rejects.toThrow("stop");
    expect(kinds("run.ended").map(({ status }: { status: string }) => status)).toEqual(["error"]);
  });
});

describe("a model", () => {
  it("that throws has its very error reach the caller", async () => {
    const { hb } = open();
    const error = new RangeError("no such model");
    const agent = governAgent(hb, createAgent({ model: model({ throws: error }).chat, tools: [] }));
    await expect(agent.invoke(go)).rejects.toBe(error);
  });

  it("governed by itself is its own run for each call, and stays an instance of its class", async () => {
    const { hb, kinds } = open();
    const { chat } = model({ say: "one" }, { say: ["t", "wo"] });
    const governed = governModel(hb, chat);
    expect(governed instanceof ScriptedChatModel).toBe(true);
    expect((await governed.invoke("hi")).text).toBe("one");
    const pieces: string[] = [];
    for await (const piece of await governed.stream("hi")) pieces.push(piece.text);
    expect(pieces.join("")).toBe("two");
    expect(kinds("run.ended").map(({ status }: { status: string }) => status)).toEqual(["success", "success"]);
    expect(governModel(hb, governed)).toBe(governed);
  });

  it("is governed with tools bound to it", async () => {
    const { hb, kinds } = open([block("send")]);
    const { chat, scripted } = model({ calls: [["extract", { n: 1 }]] });
    const bound = governModel(hb, chat).bindTools([{ name: "extract" }]);
    const { tool_calls: calls } = (await bound.invoke("hi")) as AIMessage;
    expect([calls?.map(({ args }) => args), scripted.requests[0]?.tools]).toEqual([[{ n: 1 }], ["extract"]]);
    expect(kinds("llm.decision").length).toBe(1);
  });

  it("is redacted before LangChain's own callbacks see the prompt of an agent", async () => {
    const { hb } = open([
      { name: "no mail", on: "llm.before", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ]);
    const seen: string[] = [];
    class Watch extends BaseCallbackHandler {
      readonly name = "watch";
      override awaitHandlers = true;
      override handleChatModelStart(_model: unknown, messages: unknown) {
        seen.push(JSON.stringify(messages));
      }
    }
    const agent = createAgent({
      model: model({ say: "ok" }).chat,
      tools: [],
      systemPrompt: "you are dora@example.com",
    });
    await governAgent(hb, agent).invoke(
      { messages: [new HumanMessage("mail bob@example.com")] },
      { callbacks: [new Watch()] },
    );
    expect(seen.join("")).toContain("[redacted:email]");
    expect(seen.join("")).not.toContain("@example.com");
  });

  it("whose answer is withheld in a stream leaves no raw piece in any mode", async () => {
    const rules: Rules = [
      { name: "no mail", on: "llm.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ];
    for (const streamMode of ["messages", "values", "updates", "custom", "debug"] as const) {
      const { chat } = model({ say: ["write to bob@", "example", ".com"] });
      const agent = governAgent(open(rules).hb, createAgent({ model: chat, tools: [] }));
      const seen: unknown[] = [];
      for await (const item of await agent.stream(go, { streamMode })) seen.push(item);
      expect(JSON.stringify(seen)).not.toMatch(/bob@|"example"/);
    }
  });
});

describe("pausing", () => {
  const paid: number[] = [];
  const pay = tool(({ amount }) => paid.push(amount), { name: "pay", schema: z.object({ amount: z.number() }) });

  const pausing = (...lines: ConstructorParameters<typeof ScriptedModel>[0]) => {
    paid.length = 0;
    const answers: ((answer: "approved" | "denied") => void)[] = [];
    const { hb, kinds } = open([ask], {
      onApproval: () =>
        new Promise((resolve) => {
          answers.push((status) => resolve({ status, by: "ada" }));
        }),
    });
    return { hb, kinds, answers, ...model(...lines) };
  };
  const config = { configurable: { thread_id: "t" } };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("without a checkpointer a held call is blocked", async () => {
    const { hb, chat } = pausing({ calls: [["pay", { amount: 1 }]] }, { say: "done" });
    const result = await governAgent(hb, createAgent({ model: chat, tools: [pay] })).invoke(go);
    expect([paid, contents(result).at(-1)]).toEqual([[], "done"]);
  });

  it("two held calls of a batch are one question, in the form that approval screens of LangChain know", async () => {
    const { hb, chat, answers } = pausing(
      {
        calls: [
          ["pay", { amount: 1 }],
          ["pay", { amount: 2 }],
        ],
      },
      { say: "done" },
    );
    for (const version of ["v1", "v2"] as const) {
      const checkpointer = new MemorySaver();
      const lines = pausing(
        {
          calls: [
            ["pay", { amount: 1 }],
            ["pay", { amount: 2 }],
          ],
        },
        { say: "done" },
      );
      const agent = governAgent(lines.hb, createAgent({ model: lines.chat, tools: [pay], checkpointer, version }));
      const first = (await agent.invoke(go, config)) as { __interrupt__?: { value: unknown }[] };
      expect(first.__interrupt__?.map(({ value }) => value)).toMatchObject([
        {
          actionRequests: [
            { name: "pay", args: { amount: 1 } },
            { name: "pay", args: { amount: 2 } },
          ],
          reviewConfigs: [{ allowedDecisions: ["approve", "reject"] }, { allowedDecisions: ["approve", "reject"] }],
        },
      ]);
      lines.answers[0]?.("approved");
      await settled();
      const second = (await agent.invoke(new Command({ resume: true }), config)) as { __interrupt__?: unknown[] };
      expect([paid, second.__interrupt__?.length]).toEqual([[], 1]);
      lines.answers[1]?.("denied");
      await settled();
      const third = await agent.invoke(new Command({ resume: true }), config);
      expect([paid, contents(third).at(-1)]).toEqual([[1], "done"]);
      expect(lines.scripted.requests.length).toBe(2);
      expect(lines.kinds("run.ended").map(({ status }: { status: string }) => status)).toEqual(["success"]);
    }
    expect([hb, chat, answers].length).toBe(3);
  });

  it("does not answer a tool's own question with what it was resumed with", async () => {
    const { hb, chat, answers } = pausing({ calls: [["pay", { amount: 1 }]] }, { say: "done" });
    const said: unknown[] = [];
    const asking = tool(
      () => {
        said.push(interrupt("which account?"));
        return "paid";
      },
      { name: "pay", schema: z.object({ amount: z.number() }) },
    );
    const agent = governAgent(hb, createAgent({ model: chat, tools: [asking], checkpointer: new MemorySaver() }));
    await agent.invoke(go, config);
    answers[0]?.("approved");
    await settled();
    const second = (await agent.invoke(new Command({ resume: "woken" }), config)) as {
      __interrupt__?: { value: unknown }[];
    };
    expect(second.__interrupt__?.map(({ value }) => value)).toEqual(["which account?"]);
    await agent.invoke(new Command({ resume: "savings" }), config);
    expect(said).toEqual(["savings"]);
  });

  it("with fewer at a time than it has calls, a batch does not wait for itself", async () => {
    const { hb, chat, answers } = pausing({ calls: [["look"], ["look"], ["pay", { amount: 1 }]] }, { say: "done" });
    const look = tool(() => "seen", { name: "look", schema: z.object({}) });
    const agent = governAgent(hb, createAgent({ model: chat, tools: [look, pay], checkpointer: new MemorySaver() }));
    // One at a time, LangGraph 1.7.3 starts only the first task of a step, with or without us.
    const slow = { ...config, maxConcurrency: 2 };
    await agent.invoke(go, slow);
    answers[0]?.("approved");
    await settled();
    const result = await agent.invoke(new Command({ resume: true }), slow);
    expect([paid, contents(result).at(-1)]).toEqual([[1], "done"]);
  });
});

describe("an agent in a tool", () => {
  it.each(["governAgent", "the middleware", "nothing"])(
    "governed by %s is decided once, in the same run",
    async (how) => {
      const { hb, sink, kinds } = open();
      const usage = { inputTokens: 7, outputTokens: 1 };
      const look = tool(() => "seen", { name: "look", schema: z.object({}) });
      const innerModel = model({ calls: [["look"]], usage }, { say: "found", usage }).chat;
      const inner = {
        governAgent: () => governAgent(hb, createAgent({ model: innerModel, tools: [look] })),
        "the middleware": () => createAgent({ model: innerModel, tools: [look], middleware: [handlebar(hb)] }),
        nothing: () => createAgent({ model: innerModel, tools: [look] }),
      }[how];
      const research = tool(async () => contents((await inner?.().invoke(go)) ?? { messages: [] }).at(-1) ?? "", {
        name: "research",
        schema: z.object({}),
      });
      const { chat } = model({ calls: [["research"]], usage }, { say: "done", usage });
      const outer = governAgent(hb, createAgent({ model: chat, tools: [research] }));
      expect(contents(await outer.invoke(go))).toContain("found");
      expect(kinds("tool.decision").map(({ tool: { name } }: { tool: { name: string } }) => name)).toEqual([
        "research",
        "look",
      ]);
      expect(kinds("tool.result").length).toBe(2);
      const tokens = kinds("llm.result").map(
        ({ metrics }: { metrics: Record<string, number> }) => metrics["llm_tokens_in"],
      );
      expect(tokens).toEqual([7, 7, 7, 7]);
      expect(new Set(sink.events.map(({ runId }) => runId)).size).toBe(1);
      expect(kinds("run.ended").length).toBe(1);
    },
  );
});

describe("governTools", () => {
  it("answers a blocked tool call with an error for the model, and throws where there is no call", async () => {
    const { hb } = open([block("send")]);
    const send = tool(() => "sent", { name: "send", schema: z.object({}) });
    const [governed] = governTools(hb, [send] as const);
    const told = await governed.invoke({ name: "send", args: {}, id: "c1", type: "tool_call" });
    expect(told).toMatchObject({ status: "error", tool_call_id: "c1" });
    await expect(governed.invoke({})).rejects.toMatchObject({ name: "PolicyDenied" });
    expect(await send.invoke({})).toBe("sent");
  });
});

describe("messages", () => {
  it("lose what was redacted in every copy that a provider keeps", async () => {
    const { hb } = open([
      { name: "no mail", on: "llm.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } },
    ]);
    const mail = "bob@example.com";
    class Raw extends ScriptedChatModel {
      override async _generate() {
        const message = new AIMessage({
          id: "m1",
          content: [
            { type: "text", text: `to ${mail}`, annotations: [] },
            { type: "tool_use", id: "c1", name: "send", input: { to: mail } },
          ],
          tool_calls: [{ id: "c1", name: "send", args: { to: mail }, type: "tool_call" }],
          additional_kwargs: {
            tool_calls: [
              { id: "c1", type: "function", function: { name: "send", arguments: JSON.stringify({ to: mail }) } },
            ],
          },
          response_metadata: {
            model_name: "m",
            output: [{ content: [{ text: `to ${mail}` }] }, { call_id: "c1", arguments: JSON.stringify({ to: mail }) }],
          },
        });
        return { generations: [{ message, text: message.text }] };
      }
    }
    const answer = await governModel(hb, new Raw(new ScriptedModel([]))).invoke([
      new SystemMessage("s"),
      new HumanMessage("go"),
    ]);
    expect(JSON.stringify(answer)).not.toContain(mail);
    expect(answer).toMatchObject({
      id: "m1",
      content: [
        { type: "text", text: "to [redacted:email]", annotations: [] },
        { type: "tool_use", id: "c1", input: { to: "[redacted:email]" } },
      ],
      tool_calls: [{ id: "c1", args: { to: "[redacted:email]" } }],
      response_metadata: { model_name: "m" },
    });
    expect(AIMessage.isInstance(answer) && !AIMessageChunk.isInstance(answer)).toBe(true);
  });
});
