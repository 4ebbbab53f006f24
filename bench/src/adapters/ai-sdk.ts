/**
 * The AI SDK, alone and under policy: a model that asks for one tool and then answers, which is two model steps and one tool call. The
 * SDK's own mock model answers at once, so that what is left is the SDK's time and ours.
 *
 *   npm run bench -- adapters
 */
import { governAI } from "@handlebar/ai-sdk";
import * as ai7 from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as ai6 from "ai6";
import { MockLanguageModelV3 } from "ai6/test";
import { CLIENTS, client } from "./bench-client.ts";
import { beside, type Variant } from "./beside.ts";

const USAGE = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const CALL = {
  type: "tool-call" as const,
  toolCallId: "call",
  toolName: "refund",
  input: '{"order":"A-7731","amount":80}',
};
const ASKS = { unified: "tool-calls" as const, raw: "tool_calls" };
const ENDS = { unified: "stop" as const, raw: "stop" };

interface Given {
  readonly prompt: readonly { readonly role: string }[];
}

const isDone = ({ prompt }: Given): boolean => prompt.at(-1)?.role === "tool";

const model = {
  doGenerate: async (options: Given) =>
    isDone(options)
      ? { content: [{ type: "text" as const, text: "It is paid." }], finishReason: ENDS, usage: USAGE, warnings: [] }
      : { content: [CALL], finishReason: ASKS, usage: USAGE, warnings: [] },
  doStream: async (options: Given) => ({
    stream: streamOf(
      isDone(options)
        ? [
            { type: "text-start" as const, id: "t" },
            ...["It ", "is ", "paid."].map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
            { type: "text-end" as const, id: "t" },
            { type: "finish" as const, finishReason: ENDS, usage: USAGE },
          ]
        : [CALL, { type: "finish" as const, finishReason: ASKS, usage: USAGE }],
    ),
  }),
};

function streamOf<T>(parts: readonly T[]): ReadableStream<T> {
  const left = [...parts];
  return new ReadableStream({
    pull: (controller) => {
      const part = left.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

/** Both versions take the same parameters here; each comes with its own types. */
interface Sdk {
  generateText(params: object): PromiseLike<unknown>;
  streamText(params: object): { consumeStream(): PromiseLike<unknown> };
}

async function measure(
  version: string,
  sdk: object & { tool: unknown; jsonSchema: unknown; stepCountIs: unknown },
  mock: object,
): Promise<void> {
  const { tool, jsonSchema, stepCountIs } = sdk as unknown as {
    tool(tool: object): object;
    jsonSchema(schema: object): object;
    stepCountIs(count: number): unknown;
  };
  const refund = tool({
    description: "Pay an order back",
    inputSchema: jsonSchema({ type: "object", properties: { order: { type: "string" }, amount: { type: "number" } } }),
    execute: async ({ amount }: { amount: number }) => ({ refunded: amount }),
  });
  const params = { model: mock, tools: { refund }, stopWhen: stepCountIs(5), prompt: "Order A-7731 came broken." };
  const variants = (run: (sdk: Sdk) => Promise<unknown>): readonly Variant[] => [
    ["the SDK alone", () => run(sdk as unknown as Sdk)],
    ...CLIENTS.map(([name, config]): Variant => {
      const governed = governAI(sdk, client(config)) as unknown as Sdk;
      return [name, () => run(governed)];
    }),
  ];
  await beside(
    `ai ${version}, generateText`,
    variants(async (one) => await one.generateText(params)),
  );
  await beside(
    `ai ${version}, streamText`,
    variants(async (one) => await one.streamText(params).consumeStream()),
  );
}

await measure("6", ai6, new MockLanguageModelV3(model));
await measure("7", ai7, new MockLanguageModelV4(model));
