/**
 * The OpenAI Agents SDK, alone and under policy: one agent that asks its model, calls one tool, and asks again. The model is scripted and
 * answers at once, so that what is left is the framework's own time and ours.
 *
 *   npm run bench -- adapters
 */
import { createRun } from "@handlebar/openai-agents";
import { Agent, type Model, type ModelResponse, Runner, setTracingDisabled, tool, Usage } from "@openai/agents";
import * as z from "zod";
import { CLIENTS, client } from "./bench-client.ts";
import { beside, type Variant } from "./beside.ts";

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

const PROMPT = "Order A-7731 came broken.";

function variants(play: (run: Runner["run"], agent: Agent) => Promise<unknown>): readonly Variant[] {
  const plain = new Runner();
  const base = plain.run.bind(plain);
  const alone = makeAgent();
  return [
    ["the SDK alone", () => play(base, alone)],
    ...CLIENTS.map(([name, config]): Variant => {
      const run = createRun(client(config));
      const agent = makeAgent();
      return [name, () => play(run, agent)];
    }),
  ];
}

await beside(
  "openai-agents, run",
  variants((run, agent) => run(agent, PROMPT)),
);
await beside(
  "openai-agents, run streamed",
  variants(async (run, agent) => {
    const result = await run(agent, PROMPT, { stream: true });
    for await (const _ of result);
    await result.completed;
  }),
);
