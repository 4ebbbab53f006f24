import type { Usage } from "@handlebar/core";
import type { JsonValue, Message, MessagePart } from "@handlebar/core/adapter";
import { asJson } from "./prompt-view.ts";
import { isObject, type SdkPart } from "./sdk-shapes.ts";

/** A model's answer as policies read it, and a way to put back what they changed and nothing else. */
export interface AnswerView {
  readonly message: Message;
  write(message: Message): readonly SdkPart[];
}

/**
 * Text parts that follow each other are read as one text, as they are shown: some providers cut a sentence into several, and what
 * policy looks for must be found across the cuts.
 */
export function viewAnswer(content: readonly SdkPart[]): AnswerView {
  const read: Read[] = [];
  for (const [index, part] of content.entries()) {
    const viewed = viewPart(part);
    const last = read.at(-1);
    if (viewed === undefined) continue;
    if (viewed.type === "text" && last?.viewed.type === "text" && last.places.at(-1) === index - 1) {
      last.places.push(index);
      last.viewed = { type: "text", text: last.viewed.text + viewed.text };
    } else {
      read.push({ places: [index], viewed });
    }
  }
  const message: Message = { role: "assistant", content: read.map(({ viewed }) => viewed) };
  return { message, write: (changed) => (changed === message ? content : writeAnswer(content, read, changed)) };
}

interface Read {
  /** Where in the answer it stands. */
  readonly places: number[];
  viewed: MessagePart;
}

function writeAnswer(
  content: readonly SdkPart[],
  read: readonly Read[],
  { content: fresh }: Message,
): readonly SdkPart[] {
  if (typeof fresh === "string") return content;
  const written = [...content];
  for (const [at, { places, viewed }] of read.entries()) {
    const changed = fresh[at];
    if (changed === undefined || changed === viewed) continue;
    for (const [nth, place] of places.entries()) {
      const part = content[place];
      // A text that stood in several parts stands in the first of them.
      if (part !== undefined) written[place] = nth === 0 ? writePart(part, changed) : { ...part, text: "" };
    }
  }
  return written;
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
