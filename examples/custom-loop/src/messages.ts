import type { LlmRequest } from "@handlebar/core";
import type OpenAI from "openai";

export type Param = OpenAI.ChatCompletionMessageParam;
export type Message = LlmRequest["messages"][number];
type Part = Exclude<Message["content"], string>[number];
type CallPart = Extract<Part, { readonly type: "tool-call" }>;

/** A message of the provider's as policies read it. */
export function toMessage(param: Param): Message {
  if (param.role === "tool") {
    return {
      role: "tool",
      content: [{ type: "tool-result", callId: param.tool_call_id, result: readJson(textOf(param.content)) }],
    };
  }
  const text = textOf(param.content);
  if (param.role !== "assistant") {
    return { role: param.role === "user" || param.role === "function" ? "user" : "system", content: text };
  }
  const calls = (param.tool_calls ?? []).flatMap((call): CallPart[] =>
    call.type === "function"
      ? [{ type: "tool-call", callId: call.id, tool: call.function.name, args: readJson(call.function.arguments) }]
      : [],
  );
  if (calls.length === 0) return { role: "assistant", content: text };
  return { role: "assistant", content: [...(text === "" ? [] : [{ type: "text" as const, text }]), ...calls] };
}

/** The way back: what policy left of a message, in the provider's own; the same one where policy left it alone. */
export function fromMessage(decided: Message, param: Param): Param {
  if (decided.content === toMessage(param).content && typeof decided.content === "string") return param;
  const parts =
    typeof decided.content === "string" ? [{ type: "text" as const, text: decided.content }] : decided.content;
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  if (param.role === "tool") {
    const result = parts.find((part) => part.type === "tool-result")?.result;
    return { ...param, content: typeof result === "string" ? result : JSON.stringify(result) };
  }
  if (param.role !== "assistant") return { ...param, content: text } as Param;
  const calls = parts.filter((part) => part.type === "tool-call");
  if (calls.length === 0) return { ...param, content: text };
  return {
    ...param,
    content: text === "" ? null : text,
    tool_calls: calls.map(({ callId, tool, args }) => ({
      id: callId,
      type: "function",
      function: { name: tool, arguments: JSON.stringify(args) },
    })),
  };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { readonly text?: string }) => part.text ?? "").join("");
}

function readJson(text: string): CallPart["args"] {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
