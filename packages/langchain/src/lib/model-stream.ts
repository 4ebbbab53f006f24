import type { Model } from "@handlebar/core/adapter";
import { AIMessageChunk, type BaseMessage, type BaseMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { ChatCallOptions, ChatModelInside, TokenSink } from "./chat-model.ts";
import { LinkedSignal } from "./linked-signal.ts";
import { type ModelCall, reportedUsage } from "./model-call.ts";

/** A decided request, with what goes to the model. */
export interface OpenedCall {
  readonly call: ModelCall;
  readonly messages: BaseMessage[];
  readonly close: (failed: boolean) => void;
}

export type OpenCall = (messages: readonly BaseMessage[], model: Model | undefined) => Promise<OpenedCall>;

interface Asked {
  readonly options: ChatCallOptions;
  readonly sink: TokenSink | undefined;
}

/** A request whose answer comes whole. */
export async function generate(
  model: ChatModelInside,
  opening: Promise<OpenedCall>,
  asked: Asked,
): Promise<ChatResult> {
  const { call, messages, close } = await opening;
  if (call.blockedBy !== undefined) {
    close(false);
    return refused(call);
  }
  const { run } = call;
  const link = new LinkedSignal(asked.options.signal, run.signal);
  let failed = true;
  try {
    // With a sink the provider could hand on raw tokens by itself.
    const sink = run.canChange("llm.after") ? undefined : asked.sink;
    const result = await link.unlessAborted(model._generate(messages, { ...asked.options, signal: link.signal }, sink));
    failed = false;
    return { ...result, generations: await settleAll(call, result) };
  } catch (error) {
    if (failed) await call.fail(error);
    if (!run.terminated || asked.options.signal?.aborted === true) throw error;
    return refused(call);
  } finally {
    link.release();
    close(failed);
  }
}

function refused(call: ModelCall): ChatResult {
  const message = call.refusal();
  return { generations: [{ message, text: message.text }] };
}

async function settleAll(call: ModelCall, result: ChatResult): Promise<ChatResult["generations"]> {
  const settled: ChatResult["generations"] = [];
  for (const generation of result.generations) {
    const usage = settled.length === 0 ? reportedUsage(result.llmOutput) : undefined;
    const message = await call.settle(generation.message, usage);
    settled.push(message === generation.message ? generation : { ...generation, message, text: message.text });
  }
  return settled;
}

/** A request whose answer comes in pieces; they are held back while a policy could still change the whole. */
export async function* streamChunks(
  model: ChatModelInside,
  opening: Promise<OpenedCall>,
  asked: Asked & { readonly streams: boolean },
): AsyncGenerator<ChatGenerationChunk> {
  const { call, messages, close } = await opening;
  if (call.blockedBy !== undefined) {
    close(false);
    yield await told(refusalChunk(call), asked.sink);
    return;
  }
  const { run } = call;
  const holds = run.canChange("llm.after") || !asked.streams;
  const link = new LinkedSignal(asked.options.signal, run.signal);
  const held: ChatGenerationChunk[] = [];
  let whole: ChatGenerationChunk | undefined;
  let state: "open" | "failed" | "settled" = "open";
  try {
    const options = { ...asked.options, signal: link.signal };
    for await (const chunk of stoppable(
      chunksOf(model, messages, { options, sink: holds ? undefined : asked.sink, streams: asked.streams }),
      link,
    )) {
      whole = whole === undefined ? chunk : whole.concat(chunk);
      if (holds) held.push(chunk);
      else yield chunk;
    }
    state = "settled";
    if (whole === undefined) {
      await call.fail(new Error("the model gave no answer"));
      return;
    }
    const message = await call.settle(whole.message);
    if (!holds) return;
    if (message === whole.message) for (const chunk of held) yield await told(chunk, asked.sink);
    else yield await told(chunkWith(whole, message), asked.sink);
  } catch (error) {
    if (state === "open") await call.fail(error, whole?.message);
    state = "failed";
    if (!run.terminated || asked.options.signal?.aborted === true) throw error;
    yield await told(refusalChunk(call), asked.sink);
  } finally {
    link.release();
    if (state === "open") await call.fail(new DOMException("the stream was left", "AbortError"), whole?.message);
    close(state === "failed");
  }
}

async function* chunksOf(
  model: ChatModelInside,
  messages: BaseMessage[],
  asked: Asked & { readonly streams: boolean },
): AsyncGenerator<ChatGenerationChunk> {
  if (asked.streams) return yield* model._streamResponseChunks(messages, asked.options, asked.sink);
  const { generations } = await model._generate(messages, asked.options);
  for (const { message, text } of generations.slice(0, 1)) {
    // A whole message's fields are those of a chunk.
    const chunk = new AIMessageChunk({ ...message } as ConstructorParameters<typeof AIMessageChunk>[0]);
    yield new ChatGenerationChunk({ message: chunk, text });
  }
}

/** The same items; ends with the signal's reason as soon as it fires, whatever the source does. */
async function* stoppable<T>(source: AsyncGenerator<T>, link: LinkedSignal): AsyncGenerator<T> {
  let left = true;
  try {
    for (;;) {
      const item = await link.unlessAborted(source.next());
      if (item.done === true) break;
      yield item.value;
    }
    left = false;
  } catch (error) {
    left = link.signal.aborted;
    throw error;
  } finally {
    // Not awaited: a source that does not answer must not hold up the end.
    if (left) source.return(undefined).catch(() => undefined);
  }
}

/** Tells LangChain's callbacks of a piece, as providers do. */
async function told(chunk: ChatGenerationChunk, sink: TokenSink | undefined): Promise<ChatGenerationChunk> {
  await sink?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
  return chunk;
}

function refusalChunk(call: ModelCall): ChatGenerationChunk {
  const { text } = call.refusal();
  return new ChatGenerationChunk({ message: new AIMessageChunk(text), text });
}

function chunkWith(whole: ChatGenerationChunk, message: BaseMessageChunk): ChatGenerationChunk {
  const { generationInfo } = whole;
  return new ChatGenerationChunk({
    message,
    text: message.text,
    ...(generationInfo === undefined ? {} : { generationInfo }),
  });
}
