import { missingOutcome } from "../../conditions/missing.ts";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../../outcome.ts";
import type { ValueQuestion } from "./formula.ts";
import { canListHold } from "./list-domain.ts";
import { canTextHold } from "./text-domain.ts";
import { accepts, suits, type ValueLiteral } from "./value-literal.ts";
import type { WorkBudget } from "./work-budget.ts";

type QuestionType = Exclude<ValueQuestion["type"], "any">;

const TYPES: readonly QuestionType[] = ["number", "string", "boolean", "array"];

/**
 * Whether one value can be as all literals ask: absent, unreadable, of a type that none compares, or of one of the types
 * that they compare.
 */
export function canValueHold(literals: readonly ValueLiteral[], budget: WorkBudget): boolean {
  if (literals.every((literal) => accepts(literal, whenAbsent(literal.atom.question)))) return true;
  const isExact = literals.every(({ atom }) => atom.isExact);
  if (!isExact && literals.every(({ isStrict }) => !isStrict)) return true;
  if (!isExact && literals.every((literal) => accepts(literal, whenOther(literal.atom.question)))) return true;
  return TYPES.some((type) => canTypeHold(type, literals, { isExact, budget }));
}

function whenAbsent({ type, op, onMissing }: ValueQuestion): Outcome {
  if (type === "any") return op === "absent" ? TRUE : FALSE;
  return missingOutcome(onMissing);
}

/** For a value of a type that the question is not about. */
function whenOther({ type, op }: ValueQuestion): Outcome {
  if (type === "any") return op === "exists" ? TRUE : FALSE;
  return UNKNOWN_OUTCOME;
}

function canTypeHold(
  type: QuestionType,
  literals: readonly ValueLiteral[],
  { isExact, budget }: { readonly isExact: boolean; readonly budget: WorkBudget },
): boolean {
  const own = literals.filter(({ atom }) => atom.question.type === type);
  if (own.length === 0 && (!isExact || type !== "string")) return false;
  const others = literals.filter(({ atom }) => atom.question.type !== type);
  if (!others.every((literal) => accepts(literal, whenOther(literal.atom.question)))) return false;
  switch (type) {
    case "number":
      return canNumberHold(own, budget);
    case "boolean":
      return [true, false].some((value) => suits(own, value));
    case "string":
      return canTextHold(own, isExact, budget);
    case "array":
      return canListHold(own.filter(({ isStrict }) => isStrict));
  }
}

function canNumberHold(literals: readonly ValueLiteral[], budget: WorkBudget): boolean {
  const numbers = numbersToTry(literals);
  return !budget.spend(numbers.length * literals.length) || numbers.some((value) => suits(literals, value));
}

/** One number for each way in which the operands divide the numbers: each operand, and one on either side of it. */
function numbersToTry(literals: readonly ValueLiteral[]): readonly number[] {
  const operands = new Set<number>();
  for (const { atom } of literals) {
    const { operand } = atom.question;
    for (const one of Array.isArray(operand) ? operand : [operand]) if (typeof one === "number") operands.add(one);
  }
  const points = [-Number.MAX_VALUE, ...[...operands].sort((a, b) => a - b), Number.MAX_VALUE];
  return points.flatMap((point, at) => {
    const next = points[at + 1];
    return next === undefined ? [point] : [point, point / 2 + next / 2, point + (next - point) / 2];
  });
}
