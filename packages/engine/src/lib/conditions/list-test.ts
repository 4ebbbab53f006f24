import type { ArrayComparison } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { VALUE_NODE_COUNT_MAX } from "../limits.ts";
import { FALSE, notOutcome, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import type { ValueTest } from "./comparison-test.ts";

/** `contains` asks each element as `eq` would: one of another type leaves the answer unknown, `null` is no element. */
export function compileListTest(comparison: ArrayComparison, context: CompileContext): ValueTest {
  const shape = { leafType: undefined, usesRegex: false } as const;
  switch (comparison.op) {
    case "contains":
    case "notContains": {
      const operand = comparison.value;
      const isNegated = comparison.op === "notContains";
      const surviving = typeof operand === "string" ? "none" : isNegated ? "false" : "true";
      return {
        test: (value) => {
          const held = containsElement(value, operand);
          return isNegated ? notOutcome(held) : held;
        },
        holdsWhenCut: surviving,
        ...shape,
      };
    }
    case "longerThan":
    case "shorterThan": {
      const length = comparison.value;
      const isLonger = comparison.op === "longerThan";
      return {
        test: (value): Outcome => {
          if (!Array.isArray(value)) return UNKNOWN_OUTCOME;
          return (isLonger ? value.length > length : value.length < length) ? TRUE : FALSE;
        },
        holdsWhenCut: isLonger ? "true" : "false",
        ...shape,
      };
    }
    default:
      return context.fail(
        "HB_POLICY_INVALID",
        "unknown `op` for a list; use contains, notContains, longerThan or shorterThan",
        "op",
      );
  }
}

function containsElement(list: unknown, operand: string | number | boolean): Outcome {
  if (!Array.isArray(list) || list.length > VALUE_NODE_COUNT_MAX) return UNKNOWN_OUTCOME;
  let outcome: Outcome = FALSE;
  for (const element of list) {
    if (element === operand) return TRUE;
    if (element !== null && element !== undefined && typeof element !== typeof operand) outcome = UNKNOWN_OUTCOME;
  }
  return outcome;
}
