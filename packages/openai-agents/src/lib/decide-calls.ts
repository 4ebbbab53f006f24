import type { ToolCall, ToolDecision } from "@handlebar/core";
import { type AnyRun, isPending } from "@handlebar/core/adapter";
import type { AgentOutputItem, ModelRequest } from "@openai/agents";
import { type AskedCall, type CallLedger, ledgerOf } from "./call-ledger.ts";
import { argsTextOf, askedFunctionCall, toolCallOf } from "./tool-call.ts";

/**
 * Decides every call of one answer as one batch, in order, before any of them can start, and remembers the decisions for when
 * the framework comes to start them. Gives the answer's items with the arguments to run with.
 */
export async function decideCalls(
  run: AnyRun,
  output: readonly AgentOutputItem[],
  request: Pick<ModelRequest, "handoffs">,
): Promise<readonly AgentOutputItem[]> {
  const handoffs = request.handoffs.length === 0 ? NONE : new Set(request.handoffs.map(({ toolName }) => toolName));
  const asked = output.map((item) => askedCall(item, handoffs));
  const calls = asked.filter((one) => one !== undefined);
  if (calls.length === 0) return output;
  const decisions = await run.beforeTools(calls.map((call): ToolCall => toolCallOf(call)));
  const ledger = ledgerOf(run);
  ledger.noteStop(decisions);
  if (run.terminated) return output;
  let nth = 0;
  // A list of its own: what a pause leaves in an answer must not get into the model's.
  return output.map((item, at): AgentOutputItem => {
    const call = asked[at];
    const decision = call === undefined ? undefined : decisions[nth++];
    return call === undefined || decision === undefined ? item : itemOf(item, { call, decision, ledger });
  });
}

const NONE: ReadonlySet<string> = new Set();

interface DecidedItem {
  readonly call: AskedCall;
  readonly decision: ToolDecision;
  readonly ledger: CallLedger;
}

/** What the framework gets of an item that asks for a call: the call, with the arguments to run with, or its denial. */
function itemOf(item: AgentOutputItem, { call, decision, ledger }: DecidedItem): AgentOutputItem {
  const argsText = argsTextOf(call, decision);
  const isGuarded = asksFirst(item, call, ledger);
  if (!isGuarded && decision.verdict === "BLOCK" && !pausesAgent(item, decision, ledger)) return denial(decision);
  const added = ledger.add(argsText === call.argsText ? call : { ...call, argsText }, decision);
  if (!isGuarded && decision.verdict === "ALLOW") added.phase = "running";
  return argsText === call.argsText ? item : withArgs(item, argsText);
}

/** The call that an item asks for; hosted tools that the provider runs itself ask for nothing. */
export function askedCall(item: AgentOutputItem, handoffs: ReadonlySet<string>): AskedCall | undefined {
  switch (item.type) {
    case "function_call": {
      const asked = askedFunctionCall(item);
      return handoffs.has(asked.name) ? { ...asked, kind: "handoff" } : asked;
    }
    case "shell_call":
      return { callId: item.callId, name: "shell", argsText: JSON.stringify(item.action), kind: "shell" };
    case "apply_patch_call":
      return {
        callId: item.callId,
        name: "apply_patch",
        argsText: JSON.stringify(item.operation),
        kind: "apply_patch",
      };
    case "computer_call":
      return {
        callId: item.callId,
        name: "computer",
        argsText: JSON.stringify({ actions: item.actions ?? [item.action] }),
        kind: "computer",
      };
    case "hosted_tool_call":
      return askedHostedMcp(item);
    default:
      return undefined;
  }
}

/** A hosted MCP server's request to run a tool, where it asks first. */
export function askedHostedMcp(item: {
  readonly providerData?: Record<string, unknown> | undefined;
}): AskedCall | undefined {
  const data = item.providerData;
  if (data?.["type"] !== "mcp_approval_request") return undefined;
  const { id, name, arguments: args } = data;
  if (typeof name !== "string") return undefined;
  return {
    callId: typeof id === "string" ? id : undefined,
    name,
    argsText: typeof args === "string" ? args : "",
    kind: "mcp",
  };
}

/**
 * Whether a call asks once more before it starts. The framework has no place for that in a computer's actions and in tools
 * that a search loaded, so those that are denied are taken out of the answer.
 */
function asksFirst(item: AgentOutputItem, call: AskedCall, ledger: CallLedger): boolean {
  if (item.type === "computer_call") return false;
  // A namespace is put before the name of its tools; agents know them by the name alone.
  return item.type !== "function_call" || call.kind === "handoff" || ledger.isGuarded(item.name);
}

function pausesAgent(item: AgentOutputItem, decision: ToolDecision, ledger: CallLedger): boolean {
  return item.type === "computer_call" && isPending(decision) && ledger.approvals === "native";
}

function denial(decision: ToolDecision): AgentOutputItem {
  return {
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: decision.message }],
  };
}

function withArgs(item: AgentOutputItem, argsText: string): AgentOutputItem {
  switch (item.type) {
    case "function_call":
      return { ...item, arguments: argsText };
    case "shell_call":
      return { ...item, action: JSON.parse(argsText) };
    case "apply_patch_call":
      return { ...item, operation: JSON.parse(argsText) };
    default:
      return item;
  }
}
