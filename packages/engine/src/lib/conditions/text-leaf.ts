import type { ConditionKind, OnMissing, StringComparison, TextComparison } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { FALSE, type Outcome, orOutcome, outcomeOf } from "../outcome.ts";
import { isPresence } from "./comparison-test.ts";
import { COST } from "./compiled-condition.ts";
import { missingOutcome } from "./missing.ts";
import { compileTextTest } from "./text-test.ts";

/** A comparison of a value that is always text. */
export type TextCondition = {
  readonly kind: ConditionKind;
  readonly onMissing?: OnMissing | undefined;
} & TextComparison;

/** Compares one text, or says what its absence makes of the condition. */
export interface TextQuestion {
  /** For `undefined` and `null`: absent. */
  readonly ask: (value: unknown) => Outcome;
  /** One of several texts suffices; none at all is absent. */
  readonly askAny: (values: readonly unknown[]) => Outcome;
  readonly cost: number;
}

export function compileTextQuestion(condition: TextCondition, context: CompileContext): TextQuestion {
  if (isPresence(condition)) {
    const isExists = condition.op === "exists";
    const isThere = (value: unknown): boolean => value !== undefined && value !== null;
    return {
      ask: (value) => outcomeOf(isThere(value) === isExists),
      askAny: (values) => outcomeOf(values.length > 0 === isExists),
      cost: COST.value,
    };
  }
  // What is left of a text comparison without presence is a string comparison without its `type`.
  const { test, usesRegex } = compileTextTest({ ...condition, type: "string" } as StringComparison, context);
  const ifMissing = missingOutcome(condition.onMissing);
  return {
    ask: (value) => (value === undefined || value === null ? ifMissing : test(value)),
    askAny: (values) => {
      if (values.length === 0) return ifMissing;
      let joined: Outcome = FALSE;
      for (const value of values) joined = orOutcome(joined, test(value));
      return joined;
    },
    cost: usesRegex ? COST.regex : COST.value,
  };
}
