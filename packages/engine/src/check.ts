export { type CheckOptions, checkPolicies } from "./lib/check/check-policies.ts";
export type { RegisteredNames } from "./lib/check/name-check.ts";
export type { PolicyFinding } from "./lib/check/policy-finding.ts";
export { type ExprIssue, prepareExpressions } from "./lib/check/prepare-expressions.ts";
export type { AgentInventory } from "./lib/check/reach-check.ts";
export { policyIdOf, ruleIdOf } from "./lib/ids.ts";
