import type { JsonValue, Message, MessagePart } from "@handlebar/core/adapter";
import type { BaseMessage } from "@langchain/core/messages";
import { type Changed, scrubCopies } from "./message-copies.ts";
import { type PartPlace, type ReadMessage, toolCallsOf } from "./message-text.ts";

/**
 * The same messages with what a decision redacted taken out, in every copy of it that a message keeps; a message without a
 * change keeps its identity, and whatever is not redacted stays as it is.
 */
export function rewriteMessages(
  messages: readonly BaseMessage[],
  read: readonly ReadMessage[],
  decided: readonly Message[],
): BaseMessage[] {
  return messages.map((message, index) => {
    const [before, after] = [read[index], decided[index]];
    return before === undefined || after === undefined ? message : rewriteMessage(message, before, after);
  });
}

/** One message as `rewriteMessages` does it. */
export function rewriteMessage<T extends BaseMessage>(message: T, read: ReadMessage, decided: Message): T {
  const { content: before } = read.message;
  const after = decided.content;
  if (before === after) return message;
  if (typeof before === "string" || typeof after === "string") {
    const texts = [[String(before), String(after)]] as const;
    return copyMessage(message, { content: after }, { texts, args: new Map() });
  }
  const texts: [string, string][] = [];
  const args = new Map<string, JsonValue>();
  const calls = [...toolCallsOf(message)];
  let content: unknown = message.content;
  after.forEach((part, at) => {
    const [old, place] = [before[at], read.places[at]];
    if (old === undefined || place === undefined || old === part) return;
    if (part.type === "tool-call") {
      args.set(part.callId, part.args);
      const index = place.kind === "tool-call" ? place.index : -1;
      const call = calls[index];
      // Redaction of arguments keeps their object form.
      if (call !== undefined) calls[index] = { ...call, args: part.args as Record<string, unknown> };
      return;
    }
    texts.push([textOf(old), textOf(part)]);
    content = replaceContent(content, place, textOf(part));
  });
  const fields = args.size === 0 ? { content } : { content, tool_calls: calls };
  return copyMessage(message, fields, { texts, args });
}

function replaceContent(content: unknown, place: PartPlace, text: string): unknown {
  if (place.kind === "content") return text;
  if (place.kind !== "block" || !Array.isArray(content)) return content;
  return content.map((block: unknown, index) =>
    index === place.index && typeof block === "object" ? { ...block, [place.field]: text } : block,
  );
}

function textOf(part: MessagePart): string {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text;
    case "tool-result":
      return typeof part.result === "string" ? part.result : JSON.stringify(part.result);
    case "tool-call":
    case "file":
      return "";
  }
}

/** Fields in which LangChain and providers keep a message's text and arguments a second time. */
const COPIES = [
  "additional_kwargs",
  "response_metadata",
  "artifact",
  "tool_call_chunks",
  "invalid_tool_calls",
] as const;

/** A copy of the same class with other fields, ids and everything else kept; without `changed` the fields are all there is to change. */
export function copyMessage<T extends BaseMessage>(
  message: T,
  fields: Readonly<Record<string, unknown>>,
  changed?: Changed,
): T {
  // Same prototype and own properties as the message: the same kind of message.
  const copy = Object.create(Object.getPrototypeOf(message) as object, Object.getOwnPropertyDescriptors(message)) as T;
  const own: Record<string, unknown> = { ...fields };
  // A message's fields by name; what is absent is left out.
  const source = message as unknown as Readonly<Record<string, unknown>>;
  if (changed !== undefined) {
    for (const name of COPIES) if (source[name] !== undefined) own[name] = scrubCopies(source[name], changed);
    if (Array.isArray(own["content"])) own["content"] = scrubCopies(own["content"], { ...changed, texts: [] });
  }
  // Messages are serialised and copied from this record.
  const kwargs: Record<string, unknown> = { ...(message.lc_kwargs as Record<string, unknown>) };
  for (const [name, value] of Object.entries(own)) {
    set(copy, name, value);
    if (name in kwargs || name === "content") kwargs[name] = value;
  }
  set(copy, "lc_kwargs", kwargs);
  return copy;
}

function set(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
