import { type ModelTurn, type PlanModel, RetryableModelError } from "@handlebar/testing";

/** The mock models of a version's `ai/test`. */
export interface SdkTestModule {
  readonly MockLanguageModelV3?: MockClass;
  readonly MockLanguageModelV4?: MockClass;
}

type MockClass = new (options: object) => object;

interface MockOptions {
  readonly prompt: readonly { readonly role: "system" | "user" | "assistant" | "tool"; readonly content: unknown }[];
  readonly tools?: readonly { readonly name: string }[];
  readonly abortSignal?: AbortSignal;
}

interface PromptPart {
  readonly type: string;
  readonly text: string;
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: never;
  readonly output: { readonly type: string; readonly value?: never; readonly reason?: string };
}

/** The SDK's own mock model with a plan's provider behind it. */
export function mockModel(test: SdkTestModule, apiError: new (options: object) => Error, model: PlanModel): object {
  const Mock = test.MockLanguageModelV4 ?? test.MockLanguageModelV3;
  if (Mock === undefined) throw new Error("this version of the SDK has no mock model that is known here");
  const ask = async (options: MockOptions): Promise<ModelTurn> => {
    // As a request over the network would.
    options.abortSignal?.throwIfAborted();
    try {
      return await model.answer(requestOf(options));
    } catch (error) {
      throw error instanceof RetryableModelError ? retryable(apiError, error) : error;
    }
  };
  return new Mock({
    provider: "mock.chat",
    modelId: "mock-1",
    doGenerate: async (options: MockOptions) => generated(await ask(options)),
    doStream: async (options: MockOptions) => ({ stream: streamed(await ask(options)) }),
  });
}

function retryable(ApiError: new (options: object) => Error, { message }: Error): Error {
  const request = { url: "https://provider.test", requestBodyValues: {}, statusCode: 429, isRetryable: true };
  return new ApiError({ ...request, message, responseHeaders: { "retry-after-ms": "1" } });
}

function requestOf({ prompt, tools, abortSignal }: MockOptions): Parameters<PlanModel["answer"]>[0] {
  return {
    messages: prompt.map(({ role, content }) => ({
      role,
      content: typeof content === "string" ? content : (content as readonly PromptPart[]).map(partOf),
    })),
    tools: (tools ?? []).map(({ name }) => name),
    signal: abortSignal,
  };
}

function partOf(part: PromptPart): never {
  return readPart(part) as never;
}

function readPart({ type, text, toolCallId, toolName, input, output }: PromptPart): object {
  switch (type) {
    case "tool-call":
      return { type, callId: toolCallId, tool: toolName, args: input };
    case "tool-result":
      return {
        type,
        callId: toolCallId,
        tool: toolName,
        // As it would go over the network.
        result: JSON.parse(JSON.stringify(output.value ?? output.reason ?? null)),
        ...(/error|denied/.test(output.type) ? { isError: true } : {}),
      };
    default:
      return { type, text };
  }
}

function endOf({ calls, usage }: ModelTurn): object {
  const { inputTokens: total, outputTokens } = usage;
  return {
    finishReason: calls.length > 0 ? { unified: "tool-calls", raw: "tool_calls" } : { unified: "stop", raw: "stop" },
    usage: {
      inputTokens: { total, noCache: total, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
    },
  };
}

function callsOf({
  calls,
}: ModelTurn): readonly { readonly toolCallId: string; readonly toolName: string; readonly input: string }[] {
  return calls.map(({ callId, tool, args }) => ({ toolCallId: callId, toolName: tool, input: JSON.stringify(args) }));
}

function generated(turn: ModelTurn): object {
  if (turn.failsAfter !== undefined) throw turn.failsAfter;
  const text = turn.chunks.length === 0 ? [] : [{ type: "text", text: turn.chunks.join("") }];
  return {
    content: [...text, ...callsOf(turn).map((call) => ({ type: "tool-call", ...call }))],
    ...endOf(turn),
    warnings: [],
  };
}

function streamed(turn: ModelTurn): ReadableStream<object> {
  const text = [
    { type: "text-start", id: "text" },
    ...turn.chunks.map((delta) => ({ type: "text-delta", id: "text", delta })),
    { type: "text-end", id: "text" },
  ];
  const calls = callsOf(turn).flatMap((call) => [
    { type: "tool-input-start", id: call.toolCallId, toolName: call.toolName },
    { type: "tool-input-delta", id: call.toolCallId, delta: call.input },
    { type: "tool-input-end", id: call.toolCallId },
    { type: "tool-call", ...call },
  ]);
  const parts: readonly object[] = [
    { type: "stream-start", warnings: [] },
    ...(turn.chunks.length === 0 ? [] : text),
    ...calls,
    ...(turn.failsAfter === undefined ? [] : [{ type: "error", error: turn.failsAfter }]),
    { type: "finish", ...endOf(turn) },
  ];
  const left = [...parts];
  return new ReadableStream({
    pull: (controller) => {
      const part = left.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}
