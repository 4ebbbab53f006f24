import { FALSE, notOutcome, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../../outcome.ts";
import type { Atom, Literal } from "./formula.ts";

/** A literal about one value. */
export interface ValueLiteral extends Literal {
  readonly atom: Extract<Atom, { readonly kind: "value" }>;
}

/** Whether an outcome of its question is one that a literal asks for. */
export function accepts({ isPositive, isStrict }: Literal, outcome: Outcome): boolean {
  const asked = isPositive ? outcome : notOutcome(outcome);
  return asked === TRUE || (asked !== FALSE && !isStrict);
}

/** Whether a value has the type of all questions and gives the answers that the literals ask for. */
export function suits(literals: readonly ValueLiteral[], value: unknown): boolean {
  return literals.every((literal) => accepts(literal, literal.atom.question.test?.test(value) ?? UNKNOWN_OUTCOME));
}

/** The lengths that all literals allow; `lengthMax` is -1 where there is none. */
export function lengthsOf(literals: readonly ValueLiteral[]): {
  readonly lengthMin: number;
  readonly lengthMax: number;
} {
  let lengthMin = 0;
  let lengthMax = Number.POSITIVE_INFINITY;
  for (const { atom, isPositive } of literals) {
    const { op, operand } = atom.question;
    if (typeof operand !== "number") continue;
    if (op === "longerThan" && isPositive) lengthMin = Math.max(lengthMin, operand + 1);
    if (op === "longerThan" && !isPositive) lengthMax = Math.min(lengthMax, operand);
    if (op === "shorterThan" && isPositive) lengthMax = Math.min(lengthMax, operand - 1);
    if (op === "shorterThan" && !isPositive) lengthMin = Math.max(lengthMin, operand);
  }
  return { lengthMin, lengthMax: lengthMin > lengthMax ? -1 : lengthMax };
}
