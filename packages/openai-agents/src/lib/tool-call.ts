import type { ToolCall, ToolDecision } from "@handlebar/core";
import { type AnyRun, type Decision, isPending } from "@handlebar/core/adapter";
import type { FunctionCallItem } from "@openai/agents";
import { type AskedCall, type CallLedger, type LedgerCall, ledgerOf } from "./call-ledger.ts";

/** A function call as the ledger knows it. Calls in a namespace carry it in their name, as the framework's own messages do. */
export function askedFunctionCall(
  call: Pick<FunctionCallItem, "callId" | "name" | "namespace" | "arguments">,
): AskedCall {
  return { callId: call.callId, name: qualifiedName(call.name, call.namespace), argsText: call.arguments };
}

export function qualifiedName(name: string, namespace: string | undefined): string {
  return namespace === undefined ? name : `${namespace}.${name}`;
}

/** The call as policies see it: arguments that are no JSON stay text. */
export function toolCallOf({ callId, name, argsText, kind }: AskedCall): ToolCall {
  return {
    name,
    args: parsedArgs(argsText),
    ...(callId === undefined ? {} : { callId }),
    ...(kind === undefined ? {} : { kind }),
  };
}

export function parsedArgs(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The arguments to run the call with, as text: the model's own where policy redacts nothing. */
export function argsTextOf(asked: AskedCall, decision: ToolDecision): string {
  if (decision.redactions === undefined) return asked.argsText;
  return typeof decision.args === "string" ? decision.args : JSON.stringify(decision.args);
}

/**
 * The decision on a call whose code is about to start: the one made when the model asked for it, or a new one for a call that
 * comes from a stored state or from code that bypassed the model. A held call is asked about again, and so is one that runs already,
 * such as where a state is gone on with twice: a decision is for one execution. An agent's call goes on with its own.
 */
export async function decidedCall(run: AnyRun, ledger: CallLedger, asked: AskedCall): Promise<LedgerCall> {
  const known = ledger.find(asked);
  const runsAlready = known?.phase === "running" && known.isAgent !== true;
  if (known !== undefined && !runsAlready && (!isPending(known.decision) || ledger.approvals === "block")) return known;
  const decision = await run.beforeTool(toolCallOf(asked));
  ledger.noteStop([decision]);
  if (known === undefined || runsAlready) return ledger.add(asked, decision);
  known.decision = decision;
  return known;
}

/** Lets a decided call start, or gives the decision that stops it. Asked in the tick in which the framework goes on to start it. */
export function startCall(run: AnyRun, call: LedgerCall): Decision | undefined {
  const ledger = ledgerOf(run);
  const denied = call.decision.verdict === "BLOCK" ? call.decision : run.notStarted(call.decision);
  if (denied === undefined) {
    call.phase = "running";
    return undefined;
  }
  ledger.noteStop([denied]);
  ledger.settle(call);
  if (call.callId !== undefined) ledger.noteDenial(call.callId, denied.message);
  return denied;
}
