import type { ValueLiteral } from "./value-literal.ts";

/** Whether some list is as all literals, which are strict and about lists, ask. */
export function canListHold(literals: readonly ValueLiteral[]): boolean {
  const wanted = new Set<unknown>();
  const unwanted = new Set<unknown>();
  let lengthMin = 0;
  let lengthMax = Number.POSITIVE_INFINITY;
  for (const { atom, isPositive } of literals) {
    const { op, operand } = atom.question;
    if (op === "contains" || op === "notContains") {
      (isPositive === (op === "contains") ? wanted : unwanted).add(operand);
      continue;
    }
    if (typeof operand !== "number") continue;
    if (op === "longerThan" && isPositive) lengthMin = Math.max(lengthMin, operand + 1);
    if (op === "longerThan" && !isPositive) lengthMax = Math.min(lengthMax, operand);
    if (op === "shorterThan" && isPositive) lengthMax = Math.min(lengthMax, operand - 1);
    if (op === "shorterThan" && !isPositive) lengthMin = Math.max(lengthMin, operand);
  }
  for (const element of wanted) if (unwanted.has(element)) return false;
  return Math.max(lengthMin, wanted.size) <= lengthMax;
}
