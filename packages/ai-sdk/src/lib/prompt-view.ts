import type { JsonValue, Message, MessagePart } from "@handlebar/core/adapter";
import { isObject, type SdkMessage, type SdkOutput, type SdkPart } from "./sdk-shapes.ts";

/** A prompt as policies read it, and a way to put back what they changed and nothing else. */
export interface PromptView {
  readonly messages: readonly Message[];
  /** The prompt with the parts replaced that differ from those of `messages`; the very prompt where none does. */
  write(messages: readonly Message[]): readonly SdkMessage[];
}

export function viewPrompt(prompt: readonly SdkMessage[]): PromptView {
  const messages = prompt.map(viewMessage);
  return {
    messages,
    write: (changed) =>
      changed === messages
        ? prompt
        : prompt.map((message, index) => writeMessage(message, messages[index], changed[index])),
  };
}

/** Parts stand at the same places as in the SDK's message; what has nothing to read stands as a file. */
function viewMessage({ role, content }: SdkMessage): Message {
  return typeof content === "string" ? { role, content } : { role, content: content.map(viewPart) };
}

function viewPart(part: SdkPart): MessagePart {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text ?? "" };
    case "reasoning":
      return { type: "reasoning", text: part.text ?? "" };
    case "tool-call":
      return { type: "tool-call", callId: part.toolCallId ?? "", tool: part.toolName ?? "", args: asJson(part.input) };
    case "tool-result":
      return {
        type: "tool-result",
        callId: part.toolCallId ?? "",
        tool: part.toolName ?? "",
        ...viewOutput(part.output),
      };
    default:
      return { type: "file", mediaType: part.mediaType ?? part.type, ...named(part.filename) };
  }
}

const named = (name: string | undefined): { name?: string } => (name === undefined ? {} : { name });

function viewOutput(output: SdkOutput | undefined): { readonly result: JsonValue; readonly isError?: boolean } {
  switch (output?.type) {
    case "error-text":
    case "error-json":
      return { result: asJson(output.value), isError: true };
    case "execution-denied":
      return { result: output.reason ?? "denied", isError: true };
    case "content":
      return { result: Array.isArray(output.value) ? output.value.map(viewItem) : null };
    default:
      return { result: asJson(output?.value) };
  }
}

/** An item of a result of several: its text, or what kind of thing it is. */
function viewItem(item: unknown): JsonValue {
  if (!isObject(item)) return null;
  return typeof item["text"] === "string" ? item["text"] : { type: String(item["type"]) };
}

function writeMessage(message: SdkMessage, before: Message | undefined, after: Message | undefined): SdkMessage {
  if (after === undefined || before === after) return message;
  if (typeof message.content === "string" || typeof before?.content === "string") {
    return typeof after.content === "string" ? { ...message, content: after.content } : message;
  }
  const old = before?.content;
  const fresh = after.content;
  if (typeof fresh === "string") return message;
  return {
    ...message,
    content: message.content.map((part, index) => {
      const changed = fresh[index];
      return changed === undefined || changed === old?.[index] ? part : writePart(part, changed);
    }),
  };
}

function writePart(part: SdkPart, changed: MessagePart): SdkPart {
  switch (changed.type) {
    case "text":
    case "reasoning":
      return { ...part, text: changed.text };
    case "tool-call":
      return { ...part, input: changed.args };
    case "tool-result":
      return part.output === undefined ? part : { ...part, output: writeOutput(part.output, changed.result) };
    case "file":
      return part;
  }
}

function writeOutput(output: SdkOutput, result: JsonValue): SdkOutput {
  switch (output.type) {
    case "execution-denied":
      return { ...output, reason: asText(result) };
    case "text":
    case "error-text":
      return { ...output, value: asText(result) };
    case "content":
      return { ...output, value: writeItems(output.value, result) };
    default:
      return { ...output, value: result };
  }
}

function writeItems(items: unknown, result: JsonValue): unknown {
  // A list that policy took away as a whole leaves one item that says what stands in its place.
  if (!Array.isArray(items) || !Array.isArray(result)) return [{ type: "text", text: asText(result) }];
  return items.map((item: unknown, index) => {
    const text = result[index];
    return isObject(item) && typeof item["text"] === "string" && typeof text === "string" ? { ...item, text } : item;
  });
}

const asText = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Prompts hold JSON; what a provider's own code put there may not be, and is read as far as it goes. */
export function asJson(value: unknown): JsonValue {
  // Read only, and bounded by the engine; `undefined` has no JSON form.
  return value === undefined ? null : (value as JsonValue);
}
