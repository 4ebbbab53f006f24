import { andOutcome, FALSE, notOutcome, type Outcome, TRUE } from "../outcome.ts";
import type { CompiledCondition, Leaf } from "./compiled-condition.ts";

/** Kleene's conjunction of all; asks no further once one is false. */
export function evalAll(conditions: readonly CompiledCondition[]): Leaf {
  const evals = cheapestFirst(conditions);
  const [first, second] = evals;
  if (first !== undefined && second !== undefined && evals.length === 2) return evalBoth(first, second);
  return (frame) => {
    let reasons = 0;
    for (const ask of evals) {
      const outcome = ask(frame);
      if (outcome === FALSE) return FALSE;
      if (outcome !== TRUE) reasons |= outcome;
    }
    // A union of the bits 2 and 4 is an outcome.
    return reasons === 0 ? TRUE : (reasons as Outcome);
  };
}

function evalBoth(first: Leaf, second: Leaf): Leaf {
  return (frame) => {
    const outcome = first(frame);
    return outcome === FALSE ? FALSE : andOutcome(outcome, second(frame));
  };
}

/** Kleene's disjunction of all; asks no further once one is true. */
export function evalAny(conditions: readonly CompiledCondition[]): Leaf {
  const evals = cheapestFirst(conditions);
  return (frame) => {
    let reasons = 0;
    for (const ask of evals) {
      const outcome = ask(frame);
      if (outcome === TRUE) return TRUE;
      reasons |= outcome;
    }
    // As above; false adds no bit.
    return reasons as Outcome;
  };
}

export function evalNot(condition: CompiledCondition): Leaf {
  const ask = condition.eval;
  return (frame) => notOutcome(ask(frame));
}

/** Leaves are pure and reasons are bits, so the order shows in nothing but the time it takes. */
function cheapestFirst(conditions: readonly CompiledCondition[]): readonly Leaf[] {
  return [...conditions].sort((a, b) => a.cost - b.cost).map((condition) => condition.eval);
}
