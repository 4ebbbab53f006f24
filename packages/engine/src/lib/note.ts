import type { Decision } from "@handlebar/protocol";
import { isBeforePhase } from "./counter.ts";
import type { Facts } from "./facts.ts";
import { notePending, notePromptFlow, noteResultFlow } from "./flow/note-flow.ts";
import type { PolicySet } from "./policy-set.ts";
import { callKeyOf } from "./reservation-id.ts";
import type { RunState } from "./run-state.ts";
import { callChange, resultChange } from "./shared-adds.ts";

/**
 * Notes in the run's state that a call is let through: after a decision of `tool.before` or `llm.before`, before the call
 * is made. Does nothing for a decision that blocks, nor in the after phases.
 */
export function noteCall(set: PolicySet, facts: Facts, decision: Pick<Decision, "verdict">): void {
  if (decision.verdict !== "ALLOW" || !isBeforePhase(facts)) return;
  changeWindows(set, facts, true);
  const { call, run, nowMs } = facts;
  if (facts.phase !== "tool.before" || call === undefined) return;
  run.state.history.note(call.callId, call.tool, nowMs);
  notePending(set.flow, facts);
}

/** Notes in the run's state how a call ended: in `tool.after` or `llm.after`, before that phase is decided. */
export function noteResult(set: PolicySet, facts: Facts): void {
  if (isBeforePhase(facts)) return;
  changeWindows(set, facts, false);
  const { call, run, nowMs } = facts;
  if (facts.phase !== "tool.after" || call === undefined) return;
  run.state.history.settle(call.callId, call.tool, {
    outcome: call.error === undefined ? "success" : "error",
    atMs: nowMs,
  });
  noteResultFlow(set.flow, facts);
}

/**
 * Notes what the user or the developer wrote: `argFrom` knows values in it as from the prompt. Kept whatever the policies
 * are, as those that ask may come later than the prompt.
 */
export function notePrompt(_set: PolicySet, state: RunState, text: string): void {
  notePromptFlow(state.flow, text);
}

function changeWindows(set: PolicySet, facts: Facts, isCall: boolean): void {
  for (const counter of set.indexFor(facts.agent).candidates(facts).counters) {
    if (counter.scope !== "run") continue;
    const change = isCall ? callChange(counter, facts) : resultChange(counter, facts);
    if (change !== undefined) {
      facts.run.state.windows.apply(counter.windowKey, callKeyOf(facts), { ...change, atMs: facts.nowMs });
    }
  }
}
