/**
 * What a condition comes to: one of three values, where not knowing has two reasons that may add up. They are bits, so
 * that the order in which leaves are asked never shows: `UNKNOWN` (wrong type, bound exceeded, user function failed) and
 * `UNAVAILABLE` (a shared reading out of reach).
 */
export type Outcome = 0 | 1 | 2 | 4 | 6;

export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN_OUTCOME = 2;
export const UNAVAILABLE_OUTCOME = 4;

/** Keeps the reasons for not knowing. */
const REASONS = 6;

export function outcomeOf(value: boolean): Outcome {
  return value ? TRUE : FALSE;
}

/** Swaps true and false; what is not known stays so. */
export function notOutcome(outcome: Outcome): Outcome {
  if (outcome === TRUE) return FALSE;
  return outcome === FALSE ? TRUE : outcome;
}

/** Kleene's conjunction of two, the reasons for not knowing added up. */
export function andOutcome(a: Outcome, b: Outcome): Outcome {
  if (a === FALSE || b === FALSE) return FALSE;
  return a === TRUE && b === TRUE ? TRUE : joinReasons(a, b);
}

/** Kleene's disjunction of two, the reasons for not knowing added up. */
export function orOutcome(a: Outcome, b: Outcome): Outcome {
  if (a === TRUE || b === TRUE) return TRUE;
  return a === FALSE && b === FALSE ? FALSE : joinReasons(a, b);
}

/** Only for outcomes of which at least one is not known. */
function joinReasons(a: Outcome, b: Outcome): Outcome {
  // Every union of these bits is an outcome.
  return ((a | b) & REASONS) as Outcome;
}

/** How a decision names an outcome; both reasons together are `unknown`. */
export function outcomeName(outcome: Outcome): "true" | "false" | "unknown" | "unavailable" {
  if (outcome === FALSE) return "false";
  if (outcome === TRUE) return "true";
  return outcome === UNAVAILABLE_OUTCOME ? "unavailable" : "unknown";
}
