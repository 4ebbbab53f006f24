import type { AnyRun } from "@handlebar/core/adapter";
import type { AgentInputItem, AgentOutputItem, HostedToolCallItem } from "@openai/agents";
import { type LedgerCall, ledgerOf } from "./call-ledger.ts";
import { itemParts } from "./item-parts.ts";
import { parsedArgs } from "./tool-call.ts";

/**
 * Accounts for calls whose result never came past a guard: those whose tool threw, whose arguments the framework refused, or
 * that a guardrail of the program's stopped. The conversation holds what the model is told of them.
 */
export async function settleFromRequest(run: AnyRun, items: readonly AgentInputItem[]): Promise<void> {
  const ledger = ledgerOf(run);
  if (ledger.open().length === 0) return;
  for (const item of items) {
    const [part] = itemParts(item).parts;
    if (part?.type !== "tool-result") continue;
    const call = ledger.byCallId(part.callId, part.tool);
    if (call === undefined) continue;
    ledger.settle(call);
    await settle(run, call, part.result);
  }
}

async function settle(run: AnyRun, call: LedgerCall, result: unknown): Promise<void> {
  // A denied call did not run, so it has no result.
  if (call.decision.verdict === "BLOCK") return;
  const text = typeof result === "string" ? result : JSON.stringify(result);
  const outcome = call.phase === "running" ? { result: text } : { error: new NotRun(text) };
  const after = await run.afterTool(call.decision, outcome);
  const ledger = ledgerOf(run);
  ledger.noteStop([after]);
  if (call.callId === undefined || call.phase !== "running") return;
  if (after.verdict === "BLOCK") ledger.replaceResult(call.callId, after.message);
  else if (after.result !== text && after.result !== undefined) ledger.replaceResult(call.callId, after.result);
}

/**
 * Accounts for what the provider ran itself. Such a call was decided only where the provider asked first; the others are
 * judged by their results alone.
 */
export async function settleHosted(run: AnyRun, output: readonly AgentOutputItem[]): Promise<void> {
  const ledger = ledgerOf(run);
  for (const item of output) {
    if (item.type !== "hosted_tool_call" || !isFinished(item)) continue;
    const name = nameOfHosted(item);
    const asked = item.providerData?.["approval_request_id"];
    const call = typeof asked === "string" ? ledger.byCallId(asked) : undefined;
    if (call !== undefined) ledger.settle(call);
    const about = call?.decision ?? { name, args: parsedArgs(item.arguments ?? ""), callId: item.id, kind: "provider" };
    ledger.noteStop([await run.afterTool(about, { result: item.output ?? item.providerData })]);
  }
}

function isFinished({ name, providerData }: HostedToolCallItem): boolean {
  const type: unknown = providerData?.["type"] ?? name;
  return typeof type === "string" && !type.startsWith("mcp_approval") && type !== "mcp_list_tools";
}

/** Of a hosted MCP call the tool's own name, of others the provider's. */
function nameOfHosted({ name, providerData }: HostedToolCallItem): string {
  const own: unknown = providerData?.["name"];
  return typeof own === "string" ? own : name;
}

/** Accounts for calls of a run that is over: what had started and gave nothing, and what never started. */
export async function settleAbandoned(run: AnyRun, why: unknown): Promise<void> {
  const ledger = ledgerOf(run);
  for (const call of ledger.open()) {
    ledger.settle(call);
    if (call.decision.verdict === "BLOCK") continue;
    const error = call.phase === "running" ? why : new NotRun("the agent ended before the call started");
    await run.afterTool(call.decision, { error });
  }
}

/** The framework did not run the call. */
class NotRun extends Error {
  override readonly name = "NotStarted";
}
