import type { Message, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { openRecorded } from "./client.test-support.ts";
import type { HandlebarConfig } from "./config.ts";

const POLICY: Policy = {
  name: "models",
  rules: [
    {
      name: "no cards",
      on: ["llm.before", "llm.after"],
      effect: { type: "redact", redact: [{ detectors: ["payment_card"] }] },
    },
    {
      name: "a cent",
      on: "llm.before",
      when: { kind: "metricWindow", scope: "run", metric: "llm_cost_usd", aggregate: "sum", op: "gte", value: 0.01 },
      effect: { type: "block", control: "TERMINATE" },
    },
  ],
};

function setUp(config: Partial<HandlebarConfig> = {}) {
  const { hb, events } = openRecorded({ agent: { slug: "a" }, policies: [POLICY], ...config });
  return { run: hb.startRun(), events };
}

const user = (content: string): Message => ({ role: "user", content });

describe("model calls", () => {
  it("redact what goes out and what comes back, and nothing else", async () => {
    const { run } = setUp();
    const messages: readonly Message[] = [
      user("my card is 4111 1111 1111 1111"),
      {
        role: "assistant",
        content: [
          { type: "text", text: "hello" },
          { type: "tool-call", callId: "1", tool: "t", args: { n: "5555555555554444" } },
        ],
      },
      user("plain"),
    ];
    const request = await run.beforeLlm({ messages });
    expect(request.messages).toEqual([
      user("my card is [redacted:payment_card]"),
      {
        role: "assistant",
        content: [
          { type: "text", text: "hello" },
          { type: "tool-call", callId: "1", tool: "t", args: { n: "[redacted:payment_card]" } },
        ],
      },
      user("plain"),
    ]);
    expect(request.messages[2]).toBe(messages[2]);
    const response = await run.afterLlm({
      callId: request.callId,
      response: { role: "assistant", content: "4111 1111 1111 1111" },
    });
    expect(response.response).toEqual({ role: "assistant", content: "[redacted:payment_card]" });
  });

  it("count tokens and cost, the provider's own figure first, and end the run when the money is spent", async () => {
    const { run, events } = setUp({ prices: (model) => (model.name === "own" ? 0.004 : undefined) });
    const first = await run.beforeLlm({ messages: [user("a")], model: { name: "own" } });
    await run.afterLlm({ callId: first.callId, model: { name: "own" }, usage: { inputTokens: 10, outputTokens: 5 } });
    const second = await run.beforeLlm({ messages: [user("b")] });
    expect(second.verdict).toBe("ALLOW");
    await run.afterLlm({ callId: second.callId, usage: { inputTokens: 1, costUsd: 0.02 } });
    const third = await run.beforeLlm({ messages: [user("c")] });
    expect(third).toMatchObject({ verdict: "BLOCK", control: "TERMINATE", cause: { kind: "BUDGET_EXHAUSTED" } });
    expect(run.signal.aborted).toBe(true);
    const results = events.filter((event) => event.kind === "llm.result").map((event) => event.data);
    expect(results).toMatchObject([
      { metrics: { llm_tokens_in: 10, llm_tokens_out: 5, llm_cost_usd: 0.004 } },
      { metrics: { llm_tokens_in: 1, llm_cost_usd: 0.02 } },
    ]);
  });

  it("know the published price of a well-known model", async () => {
    const { run, events } = setUp();
    const { callId } = await run.beforeLlm({ messages: [user("a")], model: { name: "gpt-4o", provider: "openai" } });
    await run.afterLlm({
      callId,
      model: { name: "gpt-4o", provider: "openai" },
      usage: { inputTokens: 1000, outputTokens: 100 },
    });
    const [result] = events
      .filter((event) => event.kind === "llm.result")
      .map((event) => event.data as { metrics: Record<string, number> });
    expect(result?.metrics["llm_cost_usd"]).toBeGreaterThan(0);
  });

  it("record each message once, though all are sent again", async () => {
    const { run, events } = setUp();
    const messages = [user("a")];
    await run.beforeLlm({ messages });
    messages.push({ role: "assistant", content: "b" }, user("a"));
    await run.beforeLlm({ messages });
    await run.beforeLlm({ messages });
    const recorded = events.filter((event) => event.kind === "message.raw.created").map((event) => event.data);
    expect(recorded).toMatchObject([{ content: "a" }, { content: "b" }, { content: "a" }]);
  });

  it.each([
    ["none", "", ["content"]],
    ["full", "my card is 4111 1111 1111 1111", undefined],
    ["redacted", "my card is [redacted:payment_card]", undefined],
  ] as const)("[SPEC 8.2] are captured as `%s` says, whatever is decided", async (messages, content, omitted) => {
    const { run, events } = setUp({ capture: { messages } });
    const decision = await run.beforeLlm({ messages: [user("my card is 4111 1111 1111 1111")] });
    expect(decision.redactions).toBeDefined();
    const [event] = events.filter((one) => one.kind === "message.raw.created");
    expect([event?.data, event?.redaction?.omitted]).toMatchObject([{ content }, omitted]);
  });
});
