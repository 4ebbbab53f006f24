import type { Comparison, PresenceComparison } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import type { Outcome } from "../outcome.ts";
import { compileListTest } from "./list-test.ts";
import { compileBooleanTest, compileNumberTest } from "./number-test.ts";
import { compileTextTest } from "./text-test.ts";

/** A typed comparison with its operand; asked only about values that are there (not `undefined`, not `null`). */
export interface ValueTest {
  /** Unknown for a value of another type, a number that is not finite, or a text or list past its bound. */
  readonly test: (value: unknown) => Outcome;
  /** Which outcomes hold even when the value may have been cut off at its end. */
  readonly holdsWhenCut: "both" | "true" | "false" | "none";
  /** `typeof` of the leaves that a `**` path compares; `undefined` for lists, which are no leaves. */
  readonly leafType: "number" | "string" | "boolean" | undefined;
  readonly usesRegex: boolean;
}

/** A comparison that reads the value, not only whether there is one. */
export type ReadingComparison = Exclude<Comparison, PresenceComparison>;

export function isPresence(comparison: { readonly op: string }): comparison is { readonly op: "exists" | "absent" } {
  return comparison.op === "exists" || comparison.op === "absent";
}

export function compileValueTest(comparison: ReadingComparison, context: CompileContext): ValueTest {
  switch (comparison.type) {
    case "number":
      return compileNumberTest(comparison, context);
    case "boolean":
      return compileBooleanTest(comparison);
    case "array":
      return compileListTest(comparison, context);
    case "string":
      return compileTextTest(comparison, context);
    default:
      return context.fail("HB_POLICY_INVALID", "unknown `type`; use number, string, boolean, array or any", "type");
  }
}
