import { FALSE, notOutcome, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../../outcome.ts";
import { missingOutcome } from "../../conditions/missing.ts";
import { canListHold } from "./list-domain.ts";
import type { Atom, Literal, ValueQuestion } from "./formula.ts";
import { canTextHold } from "./text-domain.ts";

/** A literal about one value. */
export interface ValueLiteral extends Literal {
  readonly atom: Extract<Atom, { readonly kind: "value" }>;
}

type QuestionType = Exclude<ValueQuestion["type"], "any">;

const TYPES: readonly QuestionType[] = ["number", "string", "boolean", "array"];

/**
 * Whether one value can be as all literals ask: absent, unreadable, of a type that none compares, or of one of the types
 * that they compare.
 */
export function canValueHold(literals: readonly ValueLiteral[]): boolean {
  if (literals.every((literal) => accepts(literal, whenAbsent(literal.atom.question)))) return true;
  const isExact = literals.every(({ atom }) => atom.isExact);
  if (!isExact && literals.every(({ isStrict }) => !isStrict)) return true;
  if (!isExact && literals.every((literal) => accepts(literal, whenOther(literal.atom.question)))) return true;
  return TYPES.some((type) => canTypeHold(type, literals, isExact));
}

/** Whether an outcome of its question is one that a literal asks for. */
export function accepts({ isPositive, isStrict }: Literal, outcome: Outcome): boolean {
  const asked = isPositive ? outcome : notOutcome(outcome);
  return asked === TRUE || (asked !== FALSE && !isStrict);
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

function canTypeHold(type: QuestionType, literals: readonly ValueLiteral[], isExact: boolean): boolean {
  const own = literals.filter(({ atom }) => atom.question.type === type);
  if (own.length === 0 && (!isExact || type !== "string")) return false;
  const others = literals.filter(({ atom }) => atom.question.type !== type);
  if (!others.every((literal) => accepts(literal, whenOther(literal.atom.question)))) return false;
  switch (type) {
    case "number":
      return numbersToTry(own).some((value) => suits(own, value));
    case "boolean":
      return [true, false].some((value) => suits(own, value));
    case "string":
      return canTextHold(own, isExact);
    case "array":
      return canListHold(own.filter(({ isStrict }) => isStrict));
  }
}

/** Whether a value has the type of all questions and gives the answers that the literals ask for. */
export function suits(literals: readonly ValueLiteral[], value: unknown): boolean {
  return literals.every((literal) => accepts(literal, literal.atom.question.test?.test(value) ?? UNKNOWN_OUTCOME));
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
