import type { Condition, Policy, Rule } from "@handlebar/protocol";
import { ruleOf } from "../facts.fixture.ts";
import { type CheckOptions, checkPolicies } from "./check-policies.ts";

/** Findings as lines: what, where, message, fix. */
export function lines(policies: readonly Policy[], options?: CheckOptions): readonly string[] {
  return checkPolicies(policies, options).map(
    ({ severity, code, keys, message, fix }) =>
      `${severity === "error" ? "E" : "W"} ${code.replace("HB_POLICY_", "")} ${keys.join(".")}: ${message}; ${fix}`,
  );
}

export const codes = (policies: readonly Policy[], options?: CheckOptions): readonly string[] =>
  checkPolicies(policies, options).map(({ code, keys }) => `${code.replace("HB_POLICY_", "")} ${keys.join(".")}`);

export const onRefund = (change: Partial<Rule>): Rule => ruleOf({ tool: { name: "refund" }, ...change });

export const over = (value: number): Condition => ({
  kind: "toolArg",
  path: "amount",
  type: "number",
  op: "gt",
  value,
});
