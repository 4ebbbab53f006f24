import type { Usage } from "@handlebar/core";
import type { JsonValue, Message, MessagePart } from "@handlebar/core/adapter";
import { asJson } from "./prompt-view.ts";
import { isObject, type SdkPart } from "./sdk-shapes.ts";

/** A model's answer as policies read it, and a way to put back what they changed and nothing else. */
export interface AnswerView {
  readonly message: Message;
  write(message: Message): readonly SdkPart[];
}

export function viewAnswer(content: readonly SdkPart[]): AnswerView {
  const read = content.flatMap((part, index) => {
    const viewed = viewPart(part);
    return viewed === undefined ? [] : [{ index, viewed }];
  });
  const message: Message = { role: "assistant", content: read.map(({ viewed }) => viewed) };
  return {
    message,
    write: (changed) => {
      if (changed === message || typeof changed.content === "string") return content;
      const written = [...content];
      for (const [at, { index, viewed }] of read.entries()) {
        const part = content[index];
        const fresh = changed.content[at];
        if (part !== undefined && fresh !== undefined && fresh !== viewed) written[index] = writePart(part, fresh);
      }
      return written;
    },
  };
}

function viewPart(part: SdkPart): MessagePart | undefined {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text ?? "" };
    case "reasoning":
      return { type: "reasoning", text: part.text ?? "" };
    case "tool-call":
      return {
        type: "tool-call",
        callId: part.toolCallId ?? "",
        tool: part.toolName ?? "",
        args: parseInput(part.input),
      };
    case "tool-result":
      return {
        type: "tool-result",
        callId: part.toolCallId ?? "",
        tool: part.toolName ?? "",
        result: asJson(part.result),
      };
    case "file":
      return { type: "file", mediaType: part.mediaType ?? "application/octet-stream" };
    default:
      return undefined;
  }
}

function writePart(part: SdkPart, changed: MessagePart): SdkPart {
  switch (changed.type) {
    case "text":
    case "reasoning":
      return { ...part, text: changed.text };
    case "tool-call":
      return { ...part, input: writeInput(part.input, changed.args) };
    case "tool-result":
      return { ...part, result: changed.result };
    case "file":
      return part;
  }
}

/** The arguments of a call, which a model gives as JSON text; text that is none stays what it is. */
export function parseInput(input: unknown): JsonValue {
  if (typeof input !== "string") return asJson(input);
  try {
    return input === "" ? {} : asJson(JSON.parse(input));
  } catch {
    return input;
  }
}

function writeInput(input: unknown, args: JsonValue): unknown {
  if (typeof input !== "string") return args;
  return typeof args === "string" && typeof parseInput(input) === "string" ? args : JSON.stringify(args);
}

/** The tokens of one call, in the form of whichever version of the provider interface. */
export function usageOf(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const [input, output] = [usage["inputTokens"], usage["outputTokens"]];
  const cached = isObject(input) ? input["cacheRead"] : usage["cachedInputTokens"];
  const reasoning = isObject(output) ? output["reasoning"] : usage["reasoningTokens"];
  return {
    inputTokens: count(isObject(input) ? input["total"] : input),
    outputTokens: count(isObject(output) ? output["total"] : output),
    cachedInputTokens: count(cached),
    cacheWriteTokens: count(isObject(input) ? input["cacheWrite"] : undefined),
    reasoningTokens: count(reasoning),
  };
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
