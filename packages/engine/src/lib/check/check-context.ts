import type { Policy, Rule } from "@handlebar/protocol";
import { CompileContext, CompileShared } from "../compile-context.ts";
import { phasesOf } from "../compiled-rule.ts";
import { policyIdOf, ruleIdOf } from "../ids.ts";
import { compileToolMatcher } from "../tool-matcher.ts";

/** A context in which conditions of one rule are compiled alone; fields in its errors start at the condition. */
export function ruleContext(policy: Policy, rule: Rule): CompileContext {
  const policyId = policyIdOf(policy);
  const owner = {
    policyIndex: 0,
    policyId,
    ruleId: ruleIdOf(rule, policyId),
    phases: phasesOf(rule),
    tool: compileToolMatcher(undefined),
    exact: rule.exact === true,
    tightens: rule.effect.type !== "allow",
    declaredLabels: policy.flow?.labels,
  };
  return new CompileContext(new CompileShared(), owner, "");
}
