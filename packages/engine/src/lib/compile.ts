import { HandlebarError, type Policy } from "@handlebar/protocol";
import { CompileShared } from "./compile-context.ts";
import { compileDefault, compileRule } from "./compile-rule.ts";
import type { CompiledPolicy, CompiledRule } from "./compiled-rule.ts";
import type { AgentFacts } from "./facts.ts";
import { compileFlow, tracesOrigins } from "./flow/compile-flow.ts";
import { defaultRuleIdOf, policyIdOf, ruleIdOf } from "./ids.ts";
import { POLICY_COUNT_MAX, RULE_COUNT_MAX } from "./limits.ts";
import { PolicySet } from "./policy-set.ts";

export interface CompileOptions {
  /** The one agent that the set will decide for; policies for others are kept for listing alone. Absent: any agent. */
  readonly agent?: AgentFacts | undefined;
}

/**
 * Makes policies ready for `decide`. They must have the form of `policySchema`; what a schema cannot check is checked
 * here. Ids that are absent are derived from names.
 *
 * @throws HandlebarError that names policy, rule and field: `HB_POLICY_DUPLICATE_ID`, `HB_POLICY_LIMIT` (more than 10,000
 * policies, 100,000 rules, 32 levels or 500 nodes of a condition), `HB_POLICY_PATH_INVALID`, `HB_POLICY_REGEX_INVALID`,
 * `HB_POLICY_TIMEZONE_UNKNOWN`, `HB_POLICY_LABEL_UNKNOWN`, `HB_POLICY_ARG_FROM_RELAXES`, `HB_POLICY_EXPR_NOT_PREPARED`,
 * `HB_POLICY_EXPR_INVALID`, `HB_POLICY_INVALID`.
 */
export function compile(policies: readonly Policy[], options: CompileOptions = {}): PolicySet {
  checkCounts(policies);
  const shared = new CompileShared();
  const compiled = policies.map(compilePolicy);
  checkUnique(compiled);
  const rules: CompiledRule[] = [];
  for (const policy of compiled) {
    policy.source.rules.forEach((rule, at) => {
      rules.push(compileRule(rule, policy, { shared, path: `policies[${policy.index}].rules[${at}]` }));
    });
    const fallback = compileDefault(policy);
    if (fallback !== undefined) rules.push(fallback);
  }
  sortRules(rules);
  const tracksOrigins = rules.some((rule) => rule.isEnabled && tracesOrigins(rule.condition));
  const flow = compileFlow(compiled, shared, tracksOrigins);
  return new PolicySet({ policies: compiled, rules, counters: shared.counters, flow, agent: options.agent });
}

function checkCounts(policies: readonly Policy[]): void {
  if (policies.length > POLICY_COUNT_MAX) {
    throw new HandlebarError(
      "HB_POLICY_LIMIT",
      `there are ${policies.length} policies; use at most ${POLICY_COUNT_MAX}`,
      { field: "policies" },
    );
  }
  const ruleCount = policies.reduce((count, policy) => count + policy.rules.length, 0);
  if (ruleCount > RULE_COUNT_MAX) {
    throw new HandlebarError("HB_POLICY_LIMIT", `there are ${ruleCount} rules; use at most ${RULE_COUNT_MAX}`, {
      field: "policies",
    });
  }
}

function compilePolicy(policy: Policy, index: number): CompiledPolicy {
  const policyId = policyIdOf(policy);
  const rules = policy.rules.map((rule) => ({ ...rule, id: ruleIdOf(rule, policyId) }));
  return {
    index,
    policyId,
    source: Object.freeze({ ...policy, id: policyId, rules }),
    isEnabled: policy.enabled !== false,
    isShadow: policy.mode === "shadow",
  };
}

function checkUnique(policies: readonly CompiledPolicy[]): void {
  const policyIds = new Set<string>();
  for (const { policyId, source, index } of policies) {
    if (policyIds.has(policyId)) {
      throw duplicate(`two policies have the id \`${policyId}\``, `policies[${index}].id`, { policyId });
    }
    policyIds.add(policyId);
    const ruleIds = new Set<string>([defaultRuleIdOf(policyId)]);
    for (const [at, { id = "" }] of source.rules.entries()) {
      if (ruleIds.has(id)) {
        const details = { policyId, ruleId: id };
        throw duplicate(
          `two rules of policy \`${policyId}\` have the id \`${id}\``,
          `policies[${index}].rules[${at}].id`,
          details,
        );
      }
      ruleIds.add(id);
    }
  }
}

function duplicate(what: string, field: string, details: Readonly<Record<string, string>>): HandlebarError {
  return new HandlebarError("HB_POLICY_DUPLICATE_ID", `${what}; give each its own \`id\` or name`, { field, details });
}

/** Both orders are total, since ids are unique: nothing depends on the order in which policies and rules were given. */
function sortRules(rules: CompiledRule[]): void {
  rules.sort((a, b) => b.priority - a.priority || byIds(a, b));
  rules.forEach((rule, at) => {
    rule.rank = at;
  });
  rules.sort(byIds);
  rules.forEach((rule, at) => {
    rule.order = at;
  });
}

function byIds(a: CompiledRule, b: CompiledRule): number {
  return compareText(a.policyId, b.policyId) || compareText(a.ruleId, b.ruleId);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
