import type { Effect, PlannedRedaction, Rule } from "@handlebar/protocol";
import { CompileContext, type CompileShared, type ConditionOwner } from "./compile-context.ts";
import {
  type CompiledPolicy,
  type CompiledRule,
  phasesOf,
  SEVERITY,
  terminates,
  unknownMatches,
} from "./compiled-rule.ts";
import { compileCondition } from "./conditions/compile-condition.ts";
import { parsePathOrFail } from "./conditions/path-leaf.ts";
import { textOf } from "./conditions/text-test.ts";
import { defaultRuleIdOf } from "./ids.ts";
import { compileToolMatcher, type ToolMatcher } from "./tool-matcher.ts";

/** Defaults lose every tie with a rule. */
const DEFAULT_PRIORITY = Number.MIN_SAFE_INTEGER;

export interface RulePlace {
  readonly shared: CompileShared;
  /** Where the rule stands, such as `policies[0].rules[2]`. */
  readonly path: string;
}

/** @param rule with its id. */
export function compileRule(rule: Rule, policy: CompiledPolicy, { shared, path }: RulePlace): CompiledRule {
  const { policyId } = policy;
  const ruleId = rule.id ?? "";
  const { effect } = rule;
  const phases = phasesOf(rule);
  const owner = {
    policyIndex: policy.index,
    policyId,
    ruleId,
    phases,
    exact: rule.exact === true,
    tightens: effect.type !== "allow",
    declaredLabels: policy.source.flow?.labels,
  };
  const tool = compileTool(rule, owner, { shared, path });
  const context = new CompileContext(shared, { ...owner, tool }, `${path}.when`);
  const condition = rule.when === undefined ? undefined : compileCondition(rule.when, context);
  return {
    policy,
    policyId,
    ruleId,
    isDefault: false,
    isEnabled: policy.isEnabled && rule.enabled !== false,
    isShadow: policy.isShadow,
    effect: effect.type,
    severity: severityOf(effect, context),
    terminates: terminates(effect),
    priority: rule.priority ?? 0,
    order: 0,
    rank: 0,
    phases,
    tool,
    condition,
    ask: condition?.eval,
    unknownMatches: unknownMatches(rule),
    onUnavailable: rule.onUnavailable,
    redactions:
      effect.type === "redact" ? compileRedactions(effect, new CompileContext(shared, { ...owner, tool }, path)) : [],
    needs: condition === undefined || context.needs.isEmpty ? undefined : context.needs,
    warners: context.needs.warners,
    reason: onOneLine(effect.reason ?? rule.name),
    source: rule,
    rows: [],
  };
}

/** The rule that a policy's `default` stands for; none when it lets calls through, or its rules name no phase. */
export function compileDefault(policy: CompiledPolicy): CompiledRule | undefined {
  const effect = policy.source.default;
  if (effect === undefined || effect === "allow") return undefined;
  // Of disabled rules too: switching off the last rule of an allow-list must not let everything through.
  const phases = new Set(policy.source.rules.flatMap((rule) => rule.on));
  if (phases.size === 0) return undefined;
  return {
    policy,
    policyId: policy.policyId,
    ruleId: defaultRuleIdOf(policy.policyId),
    isDefault: true,
    isEnabled: policy.isEnabled,
    isShadow: policy.isShadow,
    effect,
    severity: SEVERITY[effect],
    terminates: false,
    priority: DEFAULT_PRIORITY,
    order: 0,
    rank: 0,
    phases: [...phases],
    tool: compileToolMatcher(undefined),
    condition: undefined,
    ask: undefined,
    unknownMatches: false,
    onUnavailable: undefined,
    redactions: [],
    needs: undefined,
    warners: [],
    reason: `no rule of \`${onOneLine(policy.source.name)}\` allows it`,
    source: undefined,
    rows: [],
  };
}

function onOneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
}

function compileTool(rule: Rule, owner: Omit<ConditionOwner, "tool">, { shared, path }: RulePlace): ToolMatcher {
  try {
    return compileToolMatcher(rule.tool);
  } catch (error) {
    const context = new CompileContext(shared, { ...owner, tool: compileToolMatcher(undefined) }, path);
    return context.fail("HB_POLICY_LIMIT", textOf(error), "tool.name");
  }
}

function severityOf(effect: Effect, context: CompileContext): number {
  if (Object.hasOwn(SEVERITY, effect.type)) return SEVERITY[effect.type];
  return context.fail(
    "HB_POLICY_INVALID",
    `unknown effect \`${String(effect.type)}\`; use allow, redact, hitl or block`,
  );
}

function compileRedactions(
  effect: Extract<Effect, { readonly type: "redact" }>,
  context: CompileContext,
): readonly PlannedRedaction[] {
  const { policyId, ruleId } = context;
  return effect.redact.map((redaction, at) => {
    redaction.paths?.forEach((path, place) => {
      parsePathOrFail(path, context, `effect.redact[${at}].paths[${place}]`);
    });
    return Object.freeze({ ...redaction, ruleId, policyId });
  });
}
