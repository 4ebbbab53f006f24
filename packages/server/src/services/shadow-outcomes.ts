import type { AuditEvent, Decision, EvaluatedRule } from "@handlebar/protocol";
import { SHADOW_OUTCOME_COUNT_MAX } from "../limits.ts";
import type { EventRow, ShadowOutcome } from "../storage/events-table.ts";

/** What policies in shadow would have done, as an event with a decision tells it; `undefined` where it tells of none, or not which revision decided. */
export function shadowOf(event: AuditEvent): EventRow["shadow"] {
  const decided = decisionOf(event);
  if (decided?.revision === undefined) return undefined;
  const outcomes = outcomesOf(decided.rules);
  return outcomes.length === 0 ? undefined : { revision: decided.revision, outcomes };
}

interface Decided {
  readonly rules: Decision["evaluatedRules"];
  readonly revision: number | undefined;
}

function decisionOf(event: AuditEvent): Decided | undefined {
  switch (event.kind) {
    case "tool.decision":
    case "llm.decision":
      return { rules: event.data.evaluatedRules, revision: event.data.revision };
    case "tool.result":
    case "llm.result":
      return { rules: event.data.decision?.evaluatedRules ?? [], revision: event.data.revision };
    default:
      return undefined;
  }
}

/** One for each policy that had a rule in shadow: the most severe of what its rules asked for. */
function outcomesOf(rules: readonly EvaluatedRule[]): readonly ShadowOutcome[] {
  const would = new Map<string, ShadowOutcome["would"]>();
  for (const rule of rules) {
    if (rule.mode !== "shadow" || !rule.enabled) continue;
    const before = would.get(rule.policyId);
    if (before === undefined && would.size >= SHADOW_OUTCOME_COUNT_MAX) continue;
    const now = effectOf(rule);
    would.set(rule.policyId, before === undefined || RANKS[now] > RANKS[before] ? now : before);
  }
  return [...would].map(([policyId, effect]) => ({ policyId, would: effect }));
}

const RANKS: Readonly<Record<ShadowOutcome["would"], number>> = { nothing: 0, redact: 1, hitl: 2, block: 3 };

function effectOf({ violated, effect }: EvaluatedRule): ShadowOutcome["would"] {
  if (!violated) return "nothing";
  // An `allow` is violated where what it reads was out of reach and the client fails closed.
  return effect === "allow" ? "block" : effect;
}
