/**
 * LangChain, alone and under policy: one agent that asks its model, calls one tool, and asks again; and the same with six tool calls,
 * so that what a run costs can be told from what a step costs. The model answers at once, so that what is left is the framework's own
 * time and ours.
 *
 *   npm run bench -- adapters langchain
 */
import { memorySink } from "@handlebar/core/sinks";
import { governAgent, handlebar } from "@handlebar/langchain";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { createAgent, createMiddleware, tool } from "langchain";
import * as z from "zod";
import { client } from "./bench-client.ts";
import { beside, type Variant } from "./beside.ts";

/** Asks for the tool until it has as many results as it wants, and then answers with words. */
class BenchModel extends BaseChatModel {
  readonly #callCount: number;

  constructor(callCount: number) {
    super({});
    this.#callCount = callCount;
  }

  _llmType(): string {
    return "bench";
  }

  override bindTools(): this {
    return this;
  }

  async _generate(messages: BaseMessage[]): Promise<{ generations: { message: AIMessage; text: string }[] }> {
    const doneCount = messages.filter((message) => message.getType() === "tool").length;
    const usage_metadata = { input_tokens: 20, output_tokens: 5, total_tokens: 25 };
    const call = {
      name: "refund",
      args: { order: "A-7731", amount: 80 },
      id: `call-${doneCount}`,
      type: "tool_call" as const,
    };
    const message =
      doneCount >= this.#callCount
        ? new AIMessage({ content: "It is paid.", usage_metadata })
        : new AIMessage({ content: "", tool_calls: [call], usage_metadata });
    return { generations: [{ message, text: message.text }] };
  }
}

const refund = tool(({ amount }) => ({ refunded: amount }), {
  name: "refund",
  description: "Pay an order back",
  schema: z.object({ order: z.string(), amount: z.number() }),
});

const PROMPT = { messages: [{ role: "user" as const, content: "Order A-7731 came broken." }] };
const wrappers = createMiddleware({
  name: "wrappers",
  wrapModelCall: (request, handler) => handler(request),
  wrapToolCall: (request, handler) => handler(request),
});

for (const callCount of [1, 6]) {
  const base = () => ({ model: new BenchModel(callCount), tools: [refund], systemPrompt: "You pay orders back." });
  const alone = createAgent(base());
  const empty = createAgent({ ...base(), middleware: [wrappers] });
  const governed = governAgent(client({}), createAgent(base()));
  const recorded = governAgent(client({ sinks: [memorySink()] }), createAgent(base()));
  const middleware = createAgent({ ...base(), middleware: [handlebar(client({}))] });
  const variants: readonly Variant[] = [
    ["LangChain alone", () => alone.invoke(PROMPT)],
    ["with a middleware that does nothing", () => empty.invoke(PROMPT)],
    ["governAgent, events nowhere", () => governed.invoke(PROMPT)],
    ["governAgent, events in memory", () => recorded.invoke(PROMPT)],
    ["the middleware alone, events nowhere", () => middleware.invoke(PROMPT)],
  ];
  await beside(`LangChain: an agent with ${callCount} tool call${callCount === 1 ? "" : "s"}`, variants);
}
