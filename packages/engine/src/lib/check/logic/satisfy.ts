import type { Conjunct, Literal } from "./formula.ts";
import { canValueHold } from "./value-domain.ts";
import type { ValueLiteral } from "./value-literal.ts";
import type { WorkBudget } from "./work-budget.ts";

/**
 * Whether some call could make all literals hold. Sound: `false` is proved; `true` may also mean that it could not be
 * disproved, or that the budget is used up. Values of different places are taken to be independent.
 */
export function canHold(conjunct: Conjunct, budget: WorkBudget): boolean {
  if (!budget.spend(conjunct.length + 1)) return true;
  const byVariable = new Map<string, Literal[]>();
  for (const literal of conjunct) {
    const known = byVariable.get(literal.atom.variable);
    if (known === undefined) byVariable.set(literal.atom.variable, [literal]);
    else known.push(literal);
  }
  for (const literals of byVariable.values()) if (!canHoldTogether(literals, budget)) return false;
  return true;
}

function canHoldTogether(literals: readonly Literal[], budget: WorkBudget): boolean {
  if (hasContradiction(literals)) return false;
  const values = literals.filter(isOfValue);
  return values.length < literals.length || canValueHold(values, budget);
}

/** The same question cannot have two answers; that it is unknown suits both where neither is strict. */
function hasContradiction(literals: readonly Literal[]): boolean {
  const seen = new Map<string, Literal[]>();
  for (const literal of literals) {
    const { atom, isPositive, isStrict } = literal;
    const others = seen.get(atom.key) ?? [];
    const isNeverUnknown = atom.kind === "flag" || (atom.kind === "value" && atom.isExact);
    for (const other of others) {
      if (other.isPositive !== isPositive && (isNeverUnknown || isStrict || other.isStrict)) return true;
    }
    seen.set(atom.key, [...others, literal]);
  }
  return false;
}

function isOfValue(literal: Literal): literal is ValueLiteral {
  return literal.atom.kind === "value";
}
