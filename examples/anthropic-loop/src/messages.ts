import type Anthropic from "@anthropic-ai/sdk";
import type { LlmRequest, Usage } from "@handlebar/core";

type Message = LlmRequest["messages"][number];
type Part = Exclude<Message["content"], string>[number];
type Json = Extract<Part, { type: "tool-call" }>["args"];
type Param = Anthropic.MessageParam;
type Block = Anthropic.ContentBlockParam;

/** What goes to the model, as policies read it: the system text first, then one message for each message. */
export function toMessages(system: string, params: readonly Param[]): readonly Message[] {
  return [{ role: "system", content: system }, ...params.map(toMessage)];
}

export function toMessage({ role, content }: Pick<Param, "role" | "content">): Message {
  if (typeof content === "string") return { role, content };
  // Tool results come in a message of the user's, and nobody would take them for what the user wrote.
  const holdsResults = content.some(({ type }) => type === "tool_result");
  return { role: holdsResults ? "tool" : role, content: content.map(toPart) };
}

/** The same request with what policy changed in it. */
export function fromMessages(
  messages: readonly Message[],
  params: readonly Param[],
): { readonly system: string; readonly messages: Param[] } {
  const [system, ...rest] = messages;
  return {
    system: typeof system?.content === "string" ? system.content : "",
    // Each block keeps its kind, so each role keeps the content that it may have.
    messages: params.map((param, at) => ({ ...param, content: fromMessage(rest[at], param.content) }) as Param),
  };
}

/** Content with the texts, arguments and results of a message in the places of its own. */
export function fromMessage(message: Message | undefined, content: string | Block[]): string | Block[] {
  if (message === undefined) return content;
  if (typeof content === "string" || typeof message.content === "string") return text(message);
  const parts = message.content;
  return content.map((block, at) => fromPart(parts[at], block));
}

function toPart(block: Block): Part {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text };
    case "thinking":
      return { type: "reasoning", text: block.thinking };
    case "tool_use":
      // The provider sends JSON.
      return { type: "tool-call", callId: block.id, tool: block.name, args: block.input as Json };
    case "tool_result":
      return {
        type: "tool-result",
        callId: block.tool_use_id,
        result: (block.content ?? "") as Json,
        isError: block.is_error ?? false,
      };
    default:
      return { type: "file", mediaType: "application/octet-stream" };
  }
}

function fromPart(part: Part | undefined, block: Block): Block {
  if (block.type === "text" && part?.type === "text") return { ...block, text: part.text };
  if (block.type === "tool_use" && part?.type === "tool-call") return { ...block, input: part.args };
  if (block.type === "tool_result" && part?.type === "tool-result") {
    return { ...block, content: part.result as NonNullable<typeof block.content> };
  }
  return block;
}

function text({ content }: Message): string {
  return typeof content === "string" ? content : "";
}

/** The provider counts what it read from its cache, and wrote there, beside the other input; Handlebar counts it within. */
export function toUsage(usage: Anthropic.Usage): Usage {
  const read = usage.cache_read_input_tokens ?? 0;
  const written = usage.cache_creation_input_tokens ?? 0;
  return {
    inputTokens: usage.input_tokens + read + written,
    outputTokens: usage.output_tokens,
    cachedInputTokens: read,
    cacheWriteTokens: written,
  };
}
