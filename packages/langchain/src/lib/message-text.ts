import type { JsonValue, Message, MessagePart } from "@handlebar/core/adapter";
import type { BaseMessage } from "@langchain/core/messages";

/** A message of LangChain as policies read it. Each part remembers where it came from, so that a rewrite finds its place. */
export interface ReadMessage {
  readonly message: Message;
  /** For each part of `message.content`, where it stands in the message; empty where the content is a string. */
  readonly places: readonly PartPlace[];
}

export type PartPlace =
  | { readonly kind: "content" }
  | { readonly kind: "block"; readonly index: number; readonly field: string }
  | { readonly kind: "tool-call"; readonly index: number }
  | { readonly kind: "opaque" };

const ROLES: Readonly<Record<string, Message["role"]>> = {
  system: "system",
  developer: "system",
  human: "user",
  ai: "assistant",
  tool: "tool",
  function: "tool",
};

/** Fields of content blocks that hold text, by the block's type. */
const TEXT_FIELDS: Readonly<Record<string, string>> = {
  text: "text",
  text_delta: "text",
  input_text: "text",
  output_text: "text",
  reasoning: "reasoning",
  thinking: "thinking",
};

/** Blocks that say again what `tool_calls` says. */
const CALL_BLOCKS: ReadonlySet<string> = new Set(["tool_use", "tool_call", "tool_call_chunk", "input_json_delta"]);

/** Reads a message; what is no text and no call is a file, whose content policies do not read. */
export function readMessage(message: BaseMessage): ReadMessage {
  const type = message.getType();
  const role = ROLES[type] ?? "user";
  if (type === "tool") return readToolMessage(message);
  const calls = toolCallsOf(message);
  if (typeof message.content === "string" && calls.length === 0) {
    return { message: { role, content: message.content }, places: [] };
  }
  const parts: MessagePart[] = [];
  const places: PartPlace[] = [];
  readContent(message.content, parts, places);
  calls.forEach(({ id, name, args }, index) => {
    // Arguments come from the model's JSON.
    parts.push({ type: "tool-call", callId: id ?? "", tool: name, args: (args ?? {}) as JsonValue });
    places.push({ kind: "tool-call", index });
  });
  return { message: { role, content: parts }, places };
}

export interface LangChainToolCall {
  readonly id?: string | undefined;
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** The calls that a message of a model asks for. */
export function toolCallsOf(message: unknown): readonly LangChainToolCall[] {
  if (typeof message !== "object" || message === null || !("tool_calls" in message)) return [];
  // LangChain's own field of model messages.
  return Array.isArray(message.tool_calls) ? (message.tool_calls as readonly LangChainToolCall[]) : [];
}

function readToolMessage(message: BaseMessage): ReadMessage {
  const callId = "tool_call_id" in message && typeof message.tool_call_id === "string" ? message.tool_call_id : "";
  const isError = "status" in message && message.status === "error";
  const about = {
    callId,
    ...(message.name === undefined ? {} : { tool: message.name }),
    ...(isError ? { isError: true } : {}),
  };
  const parts: MessagePart[] = [];
  const places: PartPlace[] = [];
  const { content } = message;
  if (typeof content === "string") {
    parts.push({ type: "tool-result", ...about, result: content });
    places.push({ kind: "content" });
  } else {
    content.forEach((block, index) => {
      const field = textFieldOf(block);
      // Read above as a string.
      const text = field === undefined ? undefined : ((block as Record<string, unknown>)[field] as string);
      parts.push({ type: "tool-result", ...about, result: text ?? fileName(block) });
      places.push(field === undefined ? { kind: "opaque" } : { kind: "block", index, field });
    });
  }
  return { message: { role: "tool", content: parts }, places };
}

function readContent(content: BaseMessage["content"], parts: MessagePart[], places: PartPlace[]): void {
  if (typeof content === "string") {
    if (content === "") return;
    parts.push({ type: "text", text: content });
    places.push({ kind: "content" });
    return;
  }
  content.forEach((block, index) => {
    const type = blockType(block);
    if (CALL_BLOCKS.has(type)) return;
    const field = textFieldOf(block);
    if (field === undefined) {
      parts.push({ type: "file", mediaType: mediaTypeOf(block), name: type });
      places.push({ kind: "opaque" });
      return;
    }
    // `textFieldOf` saw a string there.
    const text = (block as Record<string, unknown>)[field] as string;
    parts.push({ type: field === "text" ? "text" : "reasoning", text });
    places.push({ kind: "block", index, field });
  });
}

function blockType(block: unknown): string {
  return typeof block === "object" && block !== null && "type" in block && typeof block.type === "string"
    ? block.type
    : "unknown";
}

function textFieldOf(block: unknown): string | undefined {
  const field = TEXT_FIELDS[blockType(block)];
  if (field === undefined || typeof block !== "object" || block === null) return undefined;
  // A content block is a plain object.
  return typeof (block as Record<string, unknown>)[field] === "string" ? field : undefined;
}

function mediaTypeOf(block: unknown): string {
  if (typeof block !== "object" || block === null) return "application/octet-stream";
  const { mime_type: snake, mimeType: camel } = block as Record<string, unknown>;
  const type = snake ?? camel;
  return typeof type === "string" ? type : "application/octet-stream";
}

function fileName(block: unknown): string {
  return `[${blockType(block)}]`;
}
