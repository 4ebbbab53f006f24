/** Why something is not known. */
export type Reason = "unknown" | "unavailable";

/** True, false, or not known, for one reason or both. */
export type ReferenceOutcome = boolean | ReadonlySet<Reason>;

export const UNKNOWN_REASON: ReferenceOutcome = new Set<Reason>(["unknown"]);
export const UNAVAILABLE_REASON: ReferenceOutcome = new Set<Reason>(["unavailable"]);

/** Kleene's conjunction. */
export function allOf(outcomes: readonly ReferenceOutcome[]): ReferenceOutcome {
  if (outcomes.includes(false)) return false;
  return joined(outcomes) ?? true;
}

/** Kleene's disjunction. */
export function anyOf(outcomes: readonly ReferenceOutcome[]): ReferenceOutcome {
  if (outcomes.includes(true)) return true;
  return joined(outcomes) ?? false;
}

export function negated(outcome: ReferenceOutcome): ReferenceOutcome {
  return typeof outcome === "boolean" ? !outcome : outcome;
}

export function has(outcome: ReferenceOutcome, reason: Reason): boolean {
  return typeof outcome !== "boolean" && outcome.has(reason);
}

function joined(outcomes: readonly ReferenceOutcome[]): ReferenceOutcome | undefined {
  const reasons = new Set<Reason>();
  for (const outcome of outcomes) if (typeof outcome !== "boolean") for (const reason of outcome) reasons.add(reason);
  return reasons.size === 0 ? undefined : reasons;
}
