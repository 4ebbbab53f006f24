import { type BaseMessage, isBaseMessage } from "@langchain/core/messages";
import type { Read, Reader } from "./subject.fixture.ts";

interface Consuming {
  readonly consume?: "all" | "break" | "never";
}

/** One after the other, as far as the caller of the stream reads. */
async function collect(
  stream: AsyncIterable<unknown>,
  { consume = "all" }: Consuming,
  take: (item: unknown) => string | undefined,
): Promise<Pick<Read, "seen" | "chunks" | "left">> {
  const seen: unknown[] = [];
  const chunks: string[] = [];
  if (consume === "never") return { seen, chunks, left: true };
  for await (const item of stream) {
    seen.push(item);
    const text = take(item);
    if (text !== undefined && text !== "") chunks.push(text);
    if (consume === "break" && chunks.length > 0) return { seen, chunks, left: true };
  }
  return { seen, chunks };
}

function split(config: object): { readonly config: object; readonly consuming: Consuming } {
  const { consume, ...rest } = config as Consuming & object;
  return { config: rest, consuming: consume === undefined ? {} : { consume } };
}

function messagesOf(state: unknown): readonly BaseMessage[] {
  const { messages } = (state ?? {}) as { readonly messages?: readonly BaseMessage[] };
  return messages ?? [];
}

export const readInvoke: Reader = async (agent, input, config) => {
  const result = await agent.invoke(input, split(config).config);
  return { seen: [result], chunks: [], messages: messagesOf(result) };
};

export const readValues: Reader = async (agent, input, config) => {
  const given = split(config);
  let last: unknown;
  const stream = await agent.stream(input, { ...given.config, streamMode: "values" });
  const got = await collect(stream, given.consuming, (item) => {
    if (messagesOf(item).length > 0) last = item;
    return undefined;
  });
  return { ...got, messages: messagesOf(last) };
};

export const readUpdates: Reader = async (agent, input, config) => {
  const given = split(config);
  const messages: BaseMessage[] = [];
  const stream = await agent.stream(input, { ...given.config, streamMode: "updates" });
  const got = await collect(stream, given.consuming, (item) => {
    for (const update of Object.values(item as object)) messages.push(...messagesOf(update).filter(isBaseMessage));
    return undefined;
  });
  return { ...got, messages };
};

/** Only the agent's own text: an inner agent's pieces come with another namespace. */
export const readMessages: Reader = async (agent, input, config) => {
  const given = split(config);
  let last: unknown;
  const stream = await agent.stream(input, { ...given.config, streamMode: ["messages", "values"] });
  const got = await collect(stream, given.consuming, (item) => {
    const [mode, payload] = item as [string, unknown];
    if (mode === "values") {
      if (messagesOf(payload).length > 0) last = payload;
      return undefined;
    }
    const [message] = payload as [BaseMessage];
    return message.getType() === "ai" ? message.text : undefined;
  });
  return { ...got, messages: messagesOf(last) };
};

interface StreamEvent {
  readonly event: string;
  readonly run_id: string;
  readonly parent_ids?: readonly string[];
  readonly data: { readonly chunk?: BaseMessage; readonly output?: unknown };
}

export const readEvents: Reader = async (agent, input, config) => {
  const given = split(config);
  let last: unknown;
  const stream = agent.streamEvents(input, { ...given.config, version: "v2" }) as AsyncIterable<unknown>;
  const got = await collect(stream, given.consuming, (item) => {
    const { event, data } = item as StreamEvent;
    if (event === "on_chain_end" && messagesOf(data.output).length > 0) last = data.output;
    return event === "on_chat_model_stream" ? data.chunk?.text : undefined;
  });
  return { ...got, messages: messagesOf(last) };
};

interface RunStream extends AsyncIterable<unknown> {
  readonly output: Promise<unknown>;
  /** Absent for graphs built by hand. */
  readonly toolCalls?: AsyncIterable<{ readonly output: Promise<unknown> }> | undefined;
}

interface ProtocolEvent {
  readonly method: string;
  readonly params: { readonly data: unknown };
}

export const readRunStream: Reader = async (agent, input, config) => {
  const given = split(config);
  const run = (await agent.streamEvents(input, { ...given.config, version: "v3" })) as RunStream;
  const handled = handleOutputs(run.toolCalls);
  const got = await collect(run, given.consuming, (item) => {
    const { method, params } = item as ProtocolEvent;
    if (method !== "messages") return undefined;
    const { event, delta } = params.data as { event?: string; delta?: { type?: string; text?: string } };
    return event === "content-block-delta" && delta?.type === "text-delta" ? delta.text : undefined;
  });
  if (got.left === true) return { ...got, messages: [] };
  const messages = messagesOf(await run.output);
  await handled;
  return { ...got, messages };
};

/** The framework rejects the output of a call whose tool threw, whoever looks at it: a program that does not would end by it. */
async function handleOutputs(calls: RunStream["toolCalls"]): Promise<void> {
  try {
    for await (const { output } of calls ?? []) output.catch(() => undefined);
  } catch {
    // The stream failed, which its reader hears of.
  }
}
