import { isLlmPhase } from "./counter.ts";
import type { Facts } from "./facts.ts";

/** The call, among those of its run: a tool call and a model call of the same id are two. */
export function callKeyOf(facts: Facts): string {
  return isLlmPhase(facts) ? `llm:${facts.llm?.callId ?? ""}` : `tool:${facts.call?.callId ?? ""}`;
}

/** The call, among those of all runs, whose ids may be alike: what windows beyond the run hold its reservation under. */
export function reservationIdOf(facts: Facts): string {
  return `${facts.run.runId} ${callKeyOf(facts)}`;
}
