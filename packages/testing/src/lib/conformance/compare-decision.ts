import { isEqual } from "../contract-case.ts";
import type { ConformanceExpectation } from "./conformance-case.ts";
import type { Answered } from "./conformance-world.ts";

/** One thing that was other than the case says. */
export interface ConformanceFailure {
  /** Place of the step, from 0; absent for the policies themselves. */
  readonly step?: number | undefined;
  /** The field of the expectation, such as `cause`. */
  readonly field: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** What of an answer is other than a case expects. */
export function compareDecision(
  expected: ConformanceExpectation,
  { decision, payload, labels }: Answered,
): readonly ConformanceFailure[] {
  const failures: ConformanceFailure[] = [];
  const compare = (field: keyof ConformanceExpectation, actual: unknown, isSame?: boolean): void => {
    if (expected[field] === undefined) return;
    if (isSame ?? isEqual(actual, expected[field])) return;
    failures.push({ field, expected: expected[field], actual });
  };
  compare("verdict", decision.verdict);
  compare("control", decision.control);
  compare("cause", decision.cause, holds(expected.cause, decision.cause));
  compare("finalRuleId", decision.finalRuleId ?? null);
  compare(
    "ruleIds",
    decision.evaluatedRules.map((row) => row.ruleId),
  );
  compare("redactions", decision.redactions ?? null);
  compare("redacted", payload);
  compare("degraded", decision.degraded ?? null);
  compare("warnings", decision.warnings ?? null);
  compare("labels", labels);
  compare("message", decision.message, decision.message.includes(expected.message ?? ""));
  compare(
    "messageOmits",
    decision.message,
    !(expected.messageOmits ?? []).some((text) => decision.message.includes(text)),
  );
  const { shadow } = decision;
  compare("shadow", shadow ?? null, expected.shadow === null ? shadow === undefined : holds(expected.shadow, shadow));
  for (const [ruleId, row] of Object.entries(expected.rules ?? {})) {
    const actual = decision.evaluatedRules.find((one) => one.ruleId === ruleId);
    const isSame = typeof row === "string" ? actual?.outcome === row : holds(row, actual);
    if (!isSame) failures.push({ field: `rules.${ruleId}`, expected: row, actual: actual ?? null });
  }
  return failures;
}

/** Whether every field that is given is equal. */
function holds(expected: object | null | undefined, actual: object | undefined): boolean {
  if (expected === undefined || expected === null) return true;
  if (actual === undefined) return false;
  const fields: Readonly<Record<string, unknown>> = { ...actual };
  return Object.entries(expected).every(([name, value]) => isEqual(value, fields[name]));
}
