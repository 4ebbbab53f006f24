import type { BooleanComparison, NumberComparison } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { FALSE, type Outcome, TRUE, UNKNOWN_OUTCOME } from "../outcome.ts";
import type { ValueTest } from "./comparison-test.ts";

/** Numbers in text are text, so that `"900"` is unknown and not below a limit. */
export function compileNumberTest(comparison: NumberComparison, context: CompileContext): ValueTest {
  const holds = compileNumberPredicate(comparison, context);
  return {
    test: (value): Outcome => {
      if (typeof value !== "number" || !Number.isFinite(value)) return UNKNOWN_OUTCOME;
      return holds(value) ? TRUE : FALSE;
    },
    holdsWhenCut: "both",
    leafType: "number",
    usesRegex: false,
  };
}

function compileNumberPredicate(comparison: NumberComparison, context: CompileContext): (value: number) => boolean {
  if (comparison.op === "in" || comparison.op === "notIn") {
    const values = new Set(comparison.value);
    return comparison.op === "in" ? (value) => values.has(value) : (value) => !values.has(value);
  }
  switch (comparison.op) {
    case "eq":
      return (value) => value === comparison.value;
    case "neq":
      return (value) => value !== comparison.value;
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return compileOrder(comparison.op, comparison.value);
    default:
      return context.fail(
        "HB_POLICY_INVALID",
        "unknown `op` for a number; use eq, neq, gt, gte, lt, lte, in or notIn",
        "op",
      );
  }
}

/** Compares a number with a threshold. */
export function compileOrder(op: "gt" | "gte" | "lt" | "lte", operand: number): (value: number) => boolean {
  switch (op) {
    case "gt":
      return (value) => value > operand;
    case "gte":
      return (value) => value >= operand;
    case "lt":
      return (value) => value < operand;
    case "lte":
      return (value) => value <= operand;
  }
}

export function compileBooleanTest(comparison: BooleanComparison): ValueTest {
  const wanted = comparison.op === "eq" ? comparison.value : !comparison.value;
  return {
    test: (value): Outcome => {
      if (typeof value !== "boolean") return UNKNOWN_OUTCOME;
      return value === wanted ? TRUE : FALSE;
    },
    holdsWhenCut: "both",
    leafType: "boolean",
    usesRegex: false,
  };
}
