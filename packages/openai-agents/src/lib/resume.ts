import type { RunSnapshot } from "@handlebar/core";
import { type AnyRun, isPending } from "@handlebar/core/adapter";
import type { RunToolApprovalItem, Tool } from "@openai/agents";
import { type AskedCall, ledgerOf } from "./call-ledger.ts";
import { askedCall, askedHostedMcp } from "./decide-calls.ts";
import type { AnyState } from "./framework.ts";
import { ownApproval } from "./govern-approval.ts";
import { parsedArgs, toolCallOf } from "./tool-call.ts";

/** What travels with the framework's own state of a paused agent. */
interface PausedRun {
  readonly snapshot: RunSnapshot;
  /** Ids of the calls that Handlebar held; other interruptions are the program's own. */
  readonly held: readonly string[];
}

const FIELD = "handlebar";

/**
 * Puts a paused run into the state that the program keeps: beside the last model response, where the framework stores what
 * providers add and sends it to nobody.
 */
export function keepInState(run: AnyRun, state: AnyState): void {
  const last = state._modelResponses.at(-1);
  if (last === undefined) return;
  const held = ledgerOf(run)
    .open()
    .flatMap(({ callId, decision }) => (callId !== undefined && isPending(decision) ? [callId] : []));
  const paused: PausedRun = { snapshot: run.pause(), held };
  last.providerData = { ...last.providerData, [FIELD]: paused };
}

/** The run that a state was paused with; `undefined` where it holds none. */
export function readFromState(state: AnyState): PausedRun | undefined {
  const kept: unknown = state._modelResponses.at(-1)?.providerData?.[FIELD];
  if (typeof kept !== "object" || kept === null || !("snapshot" in kept) || !("held" in kept)) return undefined;
  // `startRun` checks the snapshot; of the ids only equality is asked.
  return Array.isArray(kept.held) ? (kept as PausedRun) : undefined;
}

/**
 * Asks again about every call that waits, and answers the framework with what is decided now. What the program (or whoever
 * sent the state) says of a call that Handlebar held counts for nothing.
 */
export async function answerInterruptions(run: AnyRun, state: AnyState, held: readonly string[]): Promise<void> {
  const ledger = ledgerOf(run);
  for (const item of state.getInterruptions()) {
    const asked = askedOf(item);
    if (asked === undefined) continue;
    const known = ledger.find(asked);
    // Decided before and let through: it is the program's own policy that asks for a person.
    if (known !== undefined && !isPending(known.decision)) continue;
    if (known !== undefined) ledger.settle(known);
    const decision = await run.beforeTool(toolCallOf(asked));
    ledger.noteStop([decision]);
    ledger.add(asked, decision);
    if (isPending(decision)) continue;
    if (decision.verdict === "BLOCK") state.reject(item, { message: decision.message });
    else if (asked.callId !== undefined && held.includes(asked.callId) && !(await wantsOwn(state, item)))
      state.approve(item);
  }
}

/** A call that the framework asks a person about has not started, also where it was guarded before: it starts with its decision later. */
export function releaseInterrupted(run: AnyRun, state: AnyState): void {
  const ledger = ledgerOf(run);
  for (const item of state.getInterruptions()) {
    const asked = askedOf(item);
    const known = asked === undefined ? undefined : ledger.find(asked);
    if (known?.phase === "running" && known.isAgent !== true) known.phase = "decided";
  }
}

function askedOf(item: RunToolApprovalItem): AskedCall | undefined {
  const { rawItem } = item;
  return askedHostedMcp(rawItem.type === "hosted_tool_call" ? rawItem : {}) ?? askedCall(rawItem, new Set());
}

/** Whether the tool's own policy, beside Handlebar's, asks for a person: then the program's answer is waited for. */
async function wantsOwn(state: AnyState, item: RunToolApprovalItem): Promise<boolean> {
  const { rawItem, agent } = item;
  if (rawItem.type !== "function_call") return false;
  const tool = agent.tools.find((one) => one.type === "function" && one.name === rawItem.name);
  if (tool?.type !== "function") return false;
  try {
    // The arguments are what the model wrote, as the framework hands them to such a policy.
    const args = parsedArgs(rawItem.arguments) as Parameters<typeof tool.needsApproval>[1];
    return await ownApproval(tool)(state._context, args, rawItem.callId);
  } catch {
    // A policy of the program's that fails asks for its person.
    return true;
  }
}

/** Governs what a state brings along that was read before any agent was governed. */
export function governStored(state: AnyState, govern: (tool: Tool) => void): void {
  const stored = state._lastProcessedResponse;
  if (stored === undefined) return;
  for (const { tool } of stored.functions) govern(tool);
  for (const { shell } of stored.shellActions) govern(shell);
  for (const { applyPatch } of stored.applyPatchActions) govern(applyPatch);
  for (const { computer } of stored.computerActions) govern(computer);
  for (const { mcpTool } of stored.mcpApprovalRequests) govern(mcpTool);
}
