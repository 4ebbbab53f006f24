import type { BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";

export interface ChatCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The part of LangChain's callback manager that streaming needs. */
export interface TokenSink {
  handleLLMNewToken(
    token: string,
    index?: unknown,
    runId?: unknown,
    // LangChain's own order of parameters.
    ...rest: unknown[]
  ): Promise<void>;
}

/** What every chat model of LangChain has inside. */
export interface ChatModelInside {
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  _generate(messages: BaseMessage[], options: ChatCallOptions, sink?: TokenSink): Promise<ChatResult>;
  _streamResponseChunks(
    messages: BaseMessage[],
    options: ChatCallOptions,
    sink?: TokenSink,
  ): AsyncGenerator<ChatGenerationChunk>;
}

export function isChatModel(value: unknown): value is ChatModelInside {
  return (
    isObject(value) && "_generate" in value && typeof value._generate === "function" && "_streamResponseChunks" in value
  );
}

/** A model chosen at run time, by name or configuration. */
export interface ConfigurableModel {
  _getModelInstance(config?: unknown): Promise<unknown>;
}

export function isConfigurable(value: unknown): value is ConfigurableModel {
  return isObject(value) && "_queuedMethodOperations" in value && "_getModelInstance" in value;
}

/** A model with something bound to it, such as tools. */
export function isBinding(value: unknown): value is { readonly bound: unknown } {
  return isObject(value) && "bound" in value && "kwargs" in value && !("_generate" in value);
}

/** The parts of `BaseChatModel` itself, of whichever copy of LangChain a model comes from. */
export interface BaseChatModelParts {
  readonly _streamResponseChunks?: unknown;
  readonly _streamChatModelEvents?: unknown;
}

/** The prototype of `BaseChatModel`, found by what only it defines: importing it could load another copy. */
export function baseOf(model: object): BaseChatModelParts {
  for (let at: unknown = model; isObject(at); at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, "_generateUncached")) return at;
  }
  return {};
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
