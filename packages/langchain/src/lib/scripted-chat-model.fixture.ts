import type { Message, MessagePart } from "@handlebar/core/adapter";
import type { ModelTurn, PlanModel } from "@handlebar/testing";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";

interface Options {
  readonly signal?: AbortSignal;
  readonly tools?: readonly { readonly name: string }[];
}

interface Sink {
  handleLLMNewToken(
    text: string,
    index?: unknown,
    runId?: unknown,
    parent?: unknown,
    tags?: unknown,
    fields?: unknown,
  ): Promise<void>;
}

/** A provider of LangChain that says what a plan's model answers. */
export class ScriptedChatModel extends BaseChatModel {
  readonly #model: PlanModel;
  readonly #tools: readonly string[];

  constructor(model: PlanModel, tools: readonly string[] = []) {
    super({});
    this.#model = model;
    this.#tools = tools;
  }

  _llmType(): string {
    return "scripted";
  }

  override bindTools(tools: readonly unknown[]): ScriptedChatModel {
    const names = tools.map((tool) => (tool as { readonly name: string }).name);
    return new ScriptedChatModel(this.#model, names);
  }

  override getLsParams(): { ls_model_type: "chat"; ls_provider: string; ls_model_name: string } {
    return { ls_model_type: "chat", ls_provider: "scripted", ls_model_name: "scripted-1" };
  }

  async #answer(messages: readonly BaseMessage[], options: Options): Promise<ModelTurn> {
    const request = { messages: messages.map(asMessage), tools: this.#tools, signal: options.signal };
    options.signal?.throwIfAborted();
    return await this.#model.answer(request);
  }

  async _generate(messages: BaseMessage[], options: Options): Promise<ChatResult> {
    const turn = await this.#answer(messages, options);
    if (turn.failsAfter !== undefined) throw turn.failsAfter;
    const message = new AIMessage({
      content: turn.chunks.join(""),
      tool_calls: turn.calls.map(({ callId, tool, args }) => ({
        id: callId,
        name: tool,
        args: { ...args } as Record<string, unknown>,
        type: "tool_call",
      })),
      ...usageFields(turn),
    } as ConstructorParameters<typeof AIMessage>[0]);
    return { generations: [{ message, text: message.text }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: Options,
    sink?: Sink,
  ): AsyncGenerator<ChatGenerationChunk> {
    const turn = await this.#answer(messages, options);
    const pieces = turn.chunks.map((content) => new AIMessageChunk({ content }));
    if (turn.failsAfter === undefined) {
      pieces.push(
        new AIMessageChunk({
          content: "",
          tool_call_chunks: turn.calls.map(({ callId, tool, args }, index) => ({
            id: callId,
            name: tool,
            args: JSON.stringify(args),
            // Text, where there is some, is block 0.
            index: index + Math.min(turn.chunks.length, 1),
            type: "tool_call_chunk",
          })),
          ...usageFields(turn),
        } as ConstructorParameters<typeof AIMessageChunk>[0]),
      );
    }
    for (const message of pieces) {
      const chunk = new ChatGenerationChunk({ message, text: message.text });
      yield chunk;
      await sink?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
    if (turn.failsAfter !== undefined) throw turn.failsAfter;
  }
}

function usageFields({ usage }: ModelTurn) {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens === undefined && outputTokens === undefined) return {};
  const [input, output] = [inputTokens ?? 0, outputTokens ?? 0];
  return { usage_metadata: { input_tokens: input, output_tokens: output, total_tokens: input + output } };
}

/** A message as the provider would put it on the wire. */
function asMessage(message: BaseMessage): Message {
  const text = message.text;
  switch (message.getType()) {
    case "system":
      return { role: "system", content: text };
    case "human":
      return { role: "user", content: text };
    case "tool": {
      const { tool_call_id: callId, status, name } = message as unknown as Record<string, string | undefined>;
      const part: MessagePart = {
        type: "tool-result",
        callId: callId ?? "",
        ...(name === undefined ? {} : { tool: name }),
        result: text,
        ...(status === "error" ? { isError: true } : {}),
      };
      return { role: "tool", content: [part] };
    }
    default: {
      const calls = (message as AIMessage).tool_calls ?? [];
      if (calls.length === 0) return { role: "assistant", content: text };
      const said: MessagePart[] = text === "" ? [] : [{ type: "text", text }];
      const asked = calls.map(
        ({ id, name, args }): MessagePart => ({ type: "tool-call", callId: id ?? "", tool: name, args }),
      );
      return { role: "assistant", content: [...said, ...asked] };
    }
  }
}
