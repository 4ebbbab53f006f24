import type { JsonValue, MessagePart } from "@handlebar/core/adapter";
import type { AgentInputItem, FunctionCallResultItem } from "@openai/agents";
import { file, type ItemParts, messageParts } from "./message-item.ts";
import { parsedArgs, qualifiedName } from "./tool-call.ts";

type ItemOf<T extends AgentInputItem["type"]> = Extract<AgentInputItem, { type: T }>;

/** Reads one item of a conversation. */
export function itemParts(item: AgentInputItem): ItemParts {
  switch (item.type) {
    case "function_call":
      return call(
        { id: item.callId, tool: qualifiedName(item.name, item.namespace), args: argsValue(item.arguments) },
        (args) => ({
          ...item,
          arguments: textOf(args),
        }),
      );
    case "function_call_result":
      return functionResult(item);
    case "shell_call":
      return call({ id: item.callId, tool: "shell", args: item.action as JsonValue }, (args) => ({
        ...item,
        action: args as typeof item.action,
      }));
    case "shell_call_output":
      // Redaction keeps the shape: it changes text only.
      return result({ id: item.callId, tool: "shell", result: item.output as JsonValue }, (output) => ({
        ...item,
        output: Array.isArray(output) ? (output as typeof item.output) : [],
      }));
    case "apply_patch_call":
      return call({ id: item.callId, tool: "apply_patch", args: item.operation as JsonValue }, (operation) => ({
        ...item,
        operation: operation as typeof item.operation,
      }));
    case "apply_patch_call_output":
      return result({ id: item.callId, tool: "apply_patch", result: item.output ?? "" }, (output) => ({
        ...item,
        output: textOf(output),
      }));
    case "hosted_tool_call":
      return hostedCall(item);
    case "program_output":
      return result({ id: item.callId, tool: "program", result: item.output }, (output) => ({
        ...item,
        output: textOf(output),
      }));
    case "reasoning":
      return reasoning(item);
    case "computer_call":
    case "computer_call_result":
    case "program":
    case "tool_search_call":
    case "tool_search_output":
    case "compaction":
    case "unknown":
      return { role: "assistant", parts: [], rewrite: () => item };
    default:
      return messageParts(item);
  }
}

function call(
  { id, tool, args }: { readonly id: string; readonly tool: string; readonly args: JsonValue },
  rewrite: (args: JsonValue) => AgentInputItem,
): ItemParts {
  return {
    role: "assistant",
    parts: [{ type: "tool-call", callId: id, tool, args }],
    rewrite: ([part]) => rewrite(part?.type === "tool-call" ? part.args : args),
  };
}

function result(
  { id, tool, result: value }: { readonly id: string; readonly tool: string; readonly result: JsonValue },
  rewrite: (result: JsonValue) => AgentInputItem,
): ItemParts {
  return {
    role: "tool",
    parts: [{ type: "tool-result", callId: id, tool, result: value }],
    rewrite: ([part]) => rewrite(part?.type === "tool-result" ? part.result : value),
  };
}

/** What a hosted tool did stands in the provider's own fields, which go back to the provider as they are. */
function hostedCall(item: ItemOf<"hosted_tool_call">): ItemParts {
  // Provider data is what came as JSON.
  const args = {
    arguments: item.arguments ?? null,
    output: item.output ?? null,
    providerData: item.providerData ?? null,
  };
  return call({ id: item.id ?? "", tool: item.name, args: args as JsonValue }, (value) => {
    const { arguments: text, output, providerData } = value as typeof args;
    return {
      ...item,
      ...(item.arguments === undefined ? {} : { arguments: textOf(text) }),
      ...(item.output === undefined ? {} : { output: textOf(output) }),
      ...(item.providerData === undefined ? {} : { providerData: providerData ?? {} }),
    };
  });
}

function functionResult(item: FunctionCallResultItem): ItemParts {
  const { output } = item;
  const named = { id: item.callId, tool: qualifiedName(item.name, item.namespace) };
  if (typeof output === "string")
    return result({ ...named, result: output }, (text) => ({ ...item, output: textOf(text) }));
  if (!Array.isArray(output)) {
    if (output.type !== "text") return { role: "tool", parts: [file(output.type)], rewrite: () => item };
    return result({ ...named, result: output.text }, (text) => ({
      ...item,
      output: { ...output, text: textOf(text) },
    }));
  }
  const texts = output.map((one) => (one.type === "input_text" ? one.text : null));
  return result({ ...named, result: texts }, (after) => ({
    ...item,
    output: Array.isArray(after)
      ? output.map((one, at) => (one.type === "input_text" ? { ...one, text: textOf(after[at] ?? "") } : one))
      : [{ type: "input_text" as const, text: textOf(after) }],
  }));
}

function reasoning(item: ItemOf<"reasoning">): ItemParts {
  const raw = item.rawContent ?? [];
  const textAt = (parts: readonly MessagePart[], at: number, before: string): string => {
    const part = parts[at];
    return part?.type === "reasoning" ? part.text : before;
  };
  return {
    role: "assistant",
    parts: [...item.content, ...raw].map(({ text }): MessagePart => ({ type: "reasoning", text })),
    rewrite: (parts) => ({
      ...item,
      content: item.content.map((one, at) => ({ ...one, text: textAt(parts, at, one.text) })),
      ...(item.rawContent === undefined
        ? {}
        : { rawContent: raw.map((one, at) => ({ ...one, text: textAt(parts, item.content.length + at, one.text) })) }),
    }),
  };
}

/** Arguments as JSON where they are. */
function argsValue(text: string): JsonValue {
  // What `JSON.parse` gives, or the text itself.
  return parsedArgs(text) as JsonValue;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
