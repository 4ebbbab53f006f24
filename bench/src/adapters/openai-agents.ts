/**
 * The OpenAI Agents SDK, alone and under policy: one agent that asks its model, calls one tool, and asks again. The model is scripted and
 * answers at once, so that what is left is the framework's own time and ours.
 *
 *   tsx --conditions=@handlebar/source bench/src/adapters/openai-agents.ts
 */
import { Handlebar, type HandlebarClient } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import { createRun } from "@handlebar/openai-agents";
import { Agent, type Model, type ModelResponse, Runner, setTracingDisabled, tool, Usage } from "@openai/agents";
import * as z from "zod";
import { measure, row } from "../figures.ts";

setTracingDisabled(true);

const CALL: ModelResponse["output"] = [
  {
    type: "function_call",
    callId: "call",
    name: "refund",
    status: "completed",
    arguments: '{"order":"A-7731","amount":80}',
  },
];
const SAY: ModelResponse["output"] = [
  { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "It is paid." }] },
];

/** Answers a conversation without a result with a call, and one with a result with words. */
const model: Model = {
  getResponse: async ({ input }) => {
    const isDone = Array.isArray(input) && input.at(-1)?.type === "function_call_result";
    return { usage: new Usage({ inputTokens: 20, outputTokens: 5, totalTokens: 25 }), output: isDone ? SAY : CALL };
  },
  getStreamedResponse: async function* (request) {
    const { output } = await model.getResponse(request);
    yield { type: "response_started" };
    if (output === SAY) for (const delta of ["It ", "is ", "paid."]) yield { type: "output_text_delta", delta };
    const usage = { inputTokens: 20, outputTokens: 5, totalTokens: 25 };
    yield { type: "response_done", response: { id: "r", usage, output: output as [] } };
  },
};

const makeAgent = (): Agent =>
  new Agent({
    name: "bench",
    instructions: "You pay orders back.",
    model: { ...model },
    tools: [
      tool({
        name: "refund",
        description: "Pay an order back",
        parameters: z.object({ order: z.string(), amount: z.number() }),
        execute: async ({ amount }) => ({ refunded: amount }),
      }),
    ],
  });

function client(capture: "full" | "redacted"): HandlebarClient {
  return Handlebar.init({
    agent: { slug: "bench" },
    sinks: [memorySink()],
    capture: { args: capture, results: capture, messages: capture },
    policies: [
      {
        name: "refunds",
        rules: [
          {
            name: "large",
            on: "tool.before",
            tool: { name: "refund" },
            when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
            effect: { type: "block" },
          },
        ],
      },
    ],
  });
}

const OPTIONS = { sampleCount: 150, callsPerSample: 10 };

for (const stream of [false, true]) {
  const play = (run: Runner["run"]) => {
    const agent = makeAgent();
    return async (): Promise<void> => {
      if (!stream) {
        await run(agent, "Order A-7731 came broken.");
        return;
      }
      const result = await run(agent, "Order A-7731 came broken.", { stream: true });
      for await (const _ of result);
      await result.completed;
    };
  };
  const plain = new Runner();
  console.log(`\nOne run: two model requests and one tool call, ${stream ? "streamed" : "not streamed"}.`);
  const alone = await measure(play(plain.run.bind(plain)), OPTIONS);
  row("the framework alone", alone, alone);
  for (const capture of ["full", "redacted"] as const) {
    row(`under policy, capture ${capture}`, await measure(play(createRun(client(capture))), OPTIONS), alone);
  }
  const again = await measure(play(plain.run.bind(plain)), OPTIONS);
  row("the framework alone, again", again, alone);
}
