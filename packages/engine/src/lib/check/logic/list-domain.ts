import { lengthsOf, type ValueLiteral } from "./value-literal.ts";

/** Whether some list is as all literals, which are strict and about lists, ask. */
export function canListHold(literals: readonly ValueLiteral[]): boolean {
  const wanted = new Set<unknown>();
  const unwanted = new Set<unknown>();
  for (const { atom, isPositive } of literals) {
    const { op, operand } = atom.question;
    if (op !== "contains" && op !== "notContains") continue;
    (isPositive === (op === "contains") ? wanted : unwanted).add(operand);
  }
  const { lengthMin, lengthMax } = lengthsOf(literals);
  for (const element of wanted) if (unwanted.has(element)) return false;
  return Math.max(lengthMin, wanted.size) <= lengthMax;
}
