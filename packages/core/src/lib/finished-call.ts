import { type CallFacts, type Facts, labelsOf, noteResult, reservationIdOf, sharedAdds } from "@handlebar/engine";
import type { ToolCall, ToolDecision, ToolOutcome } from "./hook-types.ts";
import { plainOf, type RunCore } from "./run-core.ts";

/** The tool as rules select it, in the phase before a call and after it alike. */
export function toolFacts<TContext extends object>(
  core: RunCore<TContext>,
  { name, tags, kind }: Pick<ToolCall, "name" | "tags" | "kind">,
): CallFacts["tool"] {
  const known = core.services.tools.find(name);
  return { name, tags: joinTags(known?.tags ?? NO_TAGS, tags ?? NO_TAGS), kind: kind ?? known?.kind };
}

const NO_TAGS: readonly string[] = Object.freeze([]);

function joinTags(known: readonly string[], given: readonly string[]): readonly string[] {
  return known.length === 0 && given.length === 0 ? NO_TAGS : [...new Set([...known, ...given])];
}

/** A call with what it came to. */
export function finishedCall<TContext extends object>(
  core: RunCore<TContext>,
  call: ToolCall | ToolDecision,
  outcome: ToolOutcome,
): CallFacts {
  const callId = call.callId ?? core.services.runtime.newId();
  const args = plainOf(call.args ?? {});
  const result = outcome.result === undefined ? undefined : plainOf(outcome.result);
  return {
    callId,
    tool: toolFacts(core, call),
    args: args.value,
    argsExceeded: args.exceeded,
    result: result?.value,
    resultExceeded: result?.exceeded,
    error: outcome.error === undefined ? undefined : describeError(outcome.error),
    durationMs: outcome.durationMs ?? core.callTimes.takeDurationMs(callId),
  };
}

export function describeError(error: unknown): { readonly name?: string | undefined; readonly message: string } {
  try {
    if (error instanceof Error) return { name: error.name, message: error.message };
    return { message: typeof error === "string" ? error : String(error) };
  } catch {
    return { message: "the tool threw something that cannot be read" };
  }
}

/** Remembers what a finished call did, before anything is decided about it; gives the labels that the run got. */
export function noteFinished<TContext extends object>(core: RunCore<TContext>, facts: Facts): readonly string[] {
  const { services, state } = core;
  if (services.config.enforceMode === "off") return [];
  const { set } = services.state;
  const countBefore = state.flow.labels.size;
  noteResult(set, facts);
  for (const add of sharedAdds(set, facts)) services.shared.apply(add, reservationIdOf(facts));
  core.shareLabels();
  services.sessions.keep(core.sessionId, set, { agent: facts.agent, state });
  // Labels are never taken away, and stand in the order in which the run got them.
  return state.flow.labels.size === countBefore ? [] : labelsOf(state).slice(countBefore);
}
