import type { LlmResponseDecision, Usage } from "@handlebar/core";
import { type AnyRun, type Decision, type Message, type Model, PolicyDenied } from "@handlebar/core/adapter";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { copyMessage, rewriteMessage, rewriteMessages } from "./message-rewrite.ts";
import { readMessage } from "./message-text.ts";
import { stopMessage } from "./run-source.ts";

/** One request to a model on its way: decided before it goes out, accounted for when it comes back. */
export class ModelCall {
  readonly run: AnyRun;
  readonly callId: string;
  readonly model: Model | undefined;
  /** What goes to the model. */
  readonly messages: BaseMessage[];
  /** Why it does not go out at all. */
  readonly blockedBy: Decision | undefined;

  private constructor(call: Pick<ModelCall, "run" | "callId" | "model" | "messages" | "blockedBy">) {
    this.run = call.run;
    this.callId = call.callId;
    this.model = call.model;
    this.messages = call.messages;
    this.blockedBy = call.blockedBy;
  }

  /** Decides a request. */
  static async open(run: AnyRun, messages: readonly BaseMessage[], model: Model | undefined): Promise<ModelCall> {
    const read = messages.map(readMessage);
    const sent = read.map(({ message }) => message);
    const decision = await run.beforeLlm({ messages: sent, model });
    return new ModelCall({
      run,
      callId: decision.callId,
      model,
      messages: decision.messages === sent ? [...messages] : rewriteMessages(messages, read, decision.messages),
      blockedBy: decision.verdict === "BLOCK" ? decision : undefined,
    });
  }

  /** What may go on of an answer: the same message, one with what policy redacts taken out, or one that says it was withheld. */
  async settle<T extends BaseMessage>(answer: T, reported?: Usage): Promise<T> {
    const read = readMessage(answer);
    const decision = await this.#after(answer, read.message, reported);
    if (decision.response === undefined) return withheld(answer, decision.message);
    return rewriteMessage(answer, read, decision.response);
  }

  /** Accounts for an answer that cannot be changed any more; gives what stops it where policy withholds it. */
  async judge(answer: BaseMessage | undefined, llmOutput: unknown): Promise<PolicyDenied | undefined> {
    const message = answer === undefined ? undefined : readMessage(answer).message;
    const decision = await this.#after(answer, message, reportedUsage(llmOutput));
    return decision.verdict === "BLOCK" ? new PolicyDenied(decision) : undefined;
  }

  #after(
    answer: BaseMessage | undefined,
    response: Message | undefined,
    reported: Usage | undefined,
  ): Promise<LlmResponseDecision> {
    return this.run.afterLlm({
      callId: this.callId,
      response,
      usage: usageOf(answer) ?? reported,
      model: answeredBy(answer, this.model),
    });
  }

  /** Accounts for a request that failed. */
  async fail(error: unknown, partial?: BaseMessage): Promise<void> {
    await this.run.afterLlm({
      callId: this.callId,
      error,
      usage: partial === undefined ? undefined : usageOf(partial),
      model: this.model,
    });
  }

  /** The answer in place of a model's, where the request was blocked or its run is over. */
  refusal(): AIMessage {
    return new AIMessage(this.blockedBy?.message ?? stopMessage(this.run));
  }
}

function withheld<T extends BaseMessage>(answer: T, text: string): T {
  const emptied = {
    content: text,
    tool_calls: [],
    invalid_tool_calls: [],
    additional_kwargs: {},
    response_metadata: {},
  };
  const fields = "tool_call_chunks" in answer ? { ...emptied, tool_call_chunks: [] } : emptied;
  return copyMessage(answer, fields);
}

/** What a model's answer says that it used. */
function usageOf(message: unknown): Usage | undefined {
  if (typeof message !== "object" || message === null || !("usage_metadata" in message)) return undefined;
  const usage = message.usage_metadata as
    | {
        readonly input_tokens?: number;
        readonly output_tokens?: number;
        readonly input_token_details?: { readonly cache_read?: number; readonly cache_creation?: number };
        readonly output_token_details?: { readonly reasoning?: number };
      }
    | undefined;
  if (usage === undefined || usage === null) return undefined;
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cachedInputTokens: usage.input_token_details?.cache_read,
    cacheWriteTokens: usage.input_token_details?.cache_creation,
    reasoningTokens: usage.output_token_details?.reasoning,
  };
}

/** The older place for usage, beside the generations. */
export function reportedUsage(llmOutput: unknown): Usage | undefined {
  if (typeof llmOutput !== "object" || llmOutput === null || !("tokenUsage" in llmOutput)) return undefined;
  const { promptTokens, completionTokens } = llmOutput.tokenUsage as Readonly<Record<string, number | undefined>>;
  return promptTokens === undefined && completionTokens === undefined
    ? undefined
    : { inputTokens: promptTokens, outputTokens: completionTokens };
}

/** The model as LangChain describes it to tracers. */
export function modelNamed(model: unknown, options: object = {}): Model | undefined {
  if (typeof model !== "object" || model === null) return undefined;
  const described = "getLsParams" in model && typeof model.getLsParams === "function" ? tryCall(model, options) : {};
  const fields = model as { readonly model?: unknown; readonly modelName?: unknown };
  const name = [described["ls_model_name"], fields.model, fields.modelName].find(isName);
  if (name === undefined) return undefined;
  const provider = described["ls_provider"];
  return isName(provider) ? { name, provider: provider.slice(0, 128) } : { name };
}

function tryCall(model: object, options: object): Readonly<Record<string, unknown>> {
  try {
    // Checked by the caller; what it gives is looked at field by field.
    const described: unknown = (model as { getLsParams(options: object): unknown }).getLsParams(options);
    return typeof described === "object" && described !== null ? (described as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function answeredBy(answer: BaseMessage | undefined, asked: Model | undefined): Model | undefined {
  const { model_name: modelName, model } = (answer?.response_metadata ?? {}) as Readonly<Record<string, unknown>>;
  const name = [modelName, model].find(isName);
  if (name === undefined) return asked;
  return asked?.provider === undefined ? { name } : { name, provider: asked.provider };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 256;
}
