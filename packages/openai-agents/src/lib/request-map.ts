import type { Message } from "@handlebar/core/adapter";
import type { AgentInputItem, ModelRequest } from "@openai/agents";
import type { CallLedger } from "./call-ledger.ts";
import { mapItems } from "./message-map.ts";

/** A model request as messages that policies judge, with the way back. */
export interface MappedRequest {
  readonly messages: readonly Message[];
  /** The request with what changed in the messages; the same object where nothing did. */
  apply(messages: readonly Message[]): ModelRequest;
}

type Variables = NonNullable<NonNullable<ModelRequest["prompt"]>["variables"]>;

/** Reads a request: system text, the texts put into a stored prompt, then the conversation. */
export function mapRequest(request: ModelRequest, ledger: CallLedger): MappedRequest {
  const system = request.systemInstructions === undefined ? [] : [systemMessage(request.systemInstructions)];
  const variables = Object.entries(request.prompt?.variables ?? {}).filter(isText);
  const stored = variables.map(([, text]) => systemMessage(text));
  const { input } = request;
  const items = typeof input === "string" ? undefined : input.map((item) => withReplaced(item, ledger));
  const mapped = items === undefined ? undefined : mapItems(items);
  const messages = [
    ...system,
    ...stored,
    ...(mapped?.messages ?? [{ role: "user" as const, content: typeof input === "string" ? input : "" }]),
  ];
  const isSame = items === undefined || (Array.isArray(input) && items.every((item, at) => item === input[at]));
  return {
    messages,
    apply: (after) => {
      if (after === messages && isSame) return request;
      const rest = after.slice(system.length + stored.length);
      return {
        ...request,
        ...(system.length === 0 ? {} : { systemInstructions: textOf(after[0]) }),
        ...promptWith(request, variables, after.slice(system.length, system.length + stored.length)),
        input: mapped === undefined ? textOf(rest[0]) : mapped.apply(rest),
      };
    },
  };
}

/** The model reads what it was told before in place of a result that the framework keeps. */
function withReplaced(item: AgentInputItem, ledger: CallLedger): AgentInputItem {
  if (item.type !== "function_call_result") return item;
  const text = ledger.replacedResult(item.callId);
  return text === undefined ? item : { ...item, output: text };
}

function promptWith(
  { prompt }: ModelRequest,
  variables: readonly (readonly [string, string])[],
  messages: readonly Message[],
): Pick<ModelRequest, "prompt"> {
  if (prompt?.variables === undefined || variables.length === 0) return {};
  const changed: Variables = { ...prompt.variables };
  variables.forEach(([name], at) => {
    changed[name] = textOf(messages[at]);
  });
  return { prompt: { ...prompt, variables: changed } };
}

function isText(entry: [string, Variables[string]]): entry is [string, string] {
  return typeof entry[1] === "string";
}

function systemMessage(content: string): Message {
  return { role: "system", content };
}

function textOf(message: Message | undefined): string {
  return typeof message?.content === "string" ? message.content : "";
}
