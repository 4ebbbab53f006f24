import type { JsonValue, Policy, Rule } from "@handlebar/protocol";
import { canonicalJson } from "../canonical-json.ts";
import { SEVERITY, terminates } from "../compiled-rule.ts";
import { isLiteralGlob } from "../glob.ts";
import { policyIdOf, ruleIdOf } from "../ids.ts";
import { WorkBudget } from "./logic/work-budget.ts";
import type { Findings } from "./policy-finding.ts";
import type { AnalysedRule } from "./rule-check.ts";

/** Pairs of rules that are looked at; past this no more are reported. */
const PAIR_COUNT_MAX = 1_000_000;
/** What comparing conditions may take altogether: about a second. */
const WORK_COUNT_MAX = 50_000_000;

/** Reports rules that say the same as another, and rules that change nothing because another covers them. */
export function checkShadows(rules: readonly AnalysedRule[], findings: Findings): void {
  const duplicates = checkDuplicates(rules, findings);
  const index = new ShadowIndex(rules.filter((rule) => !duplicates.has(rule)));
  let pairCount = 0;
  const budget = new WorkBudget(WORK_COUNT_MAX);
  for (const rule of index.rules) {
    // What can never match is reported as such.
    if (rule.logic.isNeverTrue) continue;
    for (const other of index.candidatesFor(rule)) {
      pairCount += 1;
      if (pairCount > PAIR_COUNT_MAX || budget.left <= 0) return;
      if (other === rule || !makesUseless(other, rule)) continue;
      if (!rule.logic.isCoveredBy(other.logic, budget)) continue;
      // Of two that cover each other, the later one is superfluous.
      const isMutual = makesUseless(rule, other) && other.logic.isCoveredBy(rule.logic, budget);
      if (isMutual && index.orderOf(rule) < index.orderOf(other)) continue;
      const { keys, logic: _logic, leaves: _leaves, ...place } = rule;
      findings.warn({ ...place, keys }, "HB_POLICY_RULE_SHADOWED", {
        message: `changes nothing: ${nameOf(other, rule)} matches every call that it matches`,
        fix: "remove it, or correct one of the two",
      });
      break;
    }
  }
}

/** Finds rules that may cover one, without looking at all. */
class ShadowIndex {
  readonly rules: readonly AnalysedRule[];
  readonly #byName = new Map<string, AnalysedRule[]>();
  readonly #rest: AnalysedRule[] = [];
  readonly #order = new Map<AnalysedRule, number>();

  constructor(rules: readonly AnalysedRule[]) {
    this.rules = rules;
    for (const [at, rule] of rules.entries()) {
      this.#order.set(rule, at);
      const names = literalNames(rule.rule);
      if (names === undefined) this.#rest.push(rule);
      for (const name of new Set(names)) {
        const known = this.#byName.get(name);
        if (known === undefined) this.#byName.set(name, [rule]);
        else known.push(rule);
      }
    }
  }

  orderOf(rule: AnalysedRule): number {
    return this.#order.get(rule) ?? 0;
  }

  candidatesFor({ rule }: AnalysedRule): readonly AnalysedRule[] {
    const [first] = literalNames(rule) ?? [];
    return first === undefined ? this.#rest : [...(this.#byName.get(first) ?? []), ...this.#rest];
  }
}

function literalNames({ tool }: Rule): readonly string[] | undefined {
  if (tool?.name === undefined) return undefined;
  const names = [tool.name].flat();
  return names.every(isLiteralGlob) ? names : undefined;
}

/** Whether a rule changes nothing where the other one matches too. */
function makesUseless(wide: AnalysedRule, narrow: AnalysedRule): boolean {
  if (!narrow.phases.every((phase) => wide.phases.includes(phase))) return false;
  if (!coversAgents(wide, narrow) || !isEnforcedLike(wide, narrow)) return false;
  const isSamePolicy = wide.policy === narrow.policy;
  const strong = wide.rule.effect;
  const weak = narrow.rule.effect;
  if (strong.type !== "block" && !isSamePolicy && (narrow.policy.default ?? "allow") !== "allow") return false;
  if (weak.type === "allow") return isSamePolicy || strong.type === "block";
  if (terminates(weak) && !terminates(strong)) return false;
  if (SEVERITY[strong.type] > SEVERITY[weak.type]) return weak.type === "hitl" || strong.type === "block";
  return strong.type === weak.type && saysAsMuch(wide.rule, narrow.rule);
}

function coversAgents({ policy: wide }: AnalysedRule, { policy: narrow }: AnalysedRule): boolean {
  if (wide === narrow || wide.agents === undefined) return true;
  return agentsText(wide) === agentsText(narrow);
}

/** Written once for each policy: rules are compared in pairs. */
const agentsTexts = new WeakMap<Policy, string>();

function agentsText(policy: Policy): string {
  const known = agentsTexts.get(policy);
  if (known !== undefined) return known;
  const text = canonicalJson(policy.agents ?? null) ?? "";
  agentsTexts.set(policy, text);
  return text;
}

/** A rule that only watches makes no other superfluous, except where that one only watches too. */
function isEnforcedLike({ policy: wide }: AnalysedRule, { policy: narrow }: AnalysedRule): boolean {
  return wide === narrow || (wide.mode !== "shadow" && narrow.mode !== "shadow");
}

/** Of two rules with the same effect, the one with the higher priority gives the reason. */
function saysAsMuch(wide: Rule, narrow: Rule): boolean {
  if ((narrow.priority ?? 0) > (wide.priority ?? 0)) return false;
  if (wide.effect.type === "redact" && narrow.effect.type === "redact") {
    const known = new Set(wide.effect.redact.map((one) => canonicalJson(one)));
    return narrow.effect.redact.every((one) => known.has(canonicalJson(one)));
  }
  if (wide.effect.type !== "hitl" || narrow.effect.type !== "hitl") return true;
  return canonicalJson(wide.effect.approval ?? {}) === canonicalJson(narrow.effect.approval ?? {});
}

/** Rules that say what an earlier one says; each is reported. */
function checkDuplicates(rules: readonly AnalysedRule[], findings: Findings): ReadonlySet<AnalysedRule> {
  const first = new Map<string, AnalysedRule>();
  const duplicates = new Set<AnalysedRule>();
  for (const rule of rules) {
    const key = contentOf(rule);
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, rule);
      continue;
    }
    duplicates.add(rule);
    const { keys, logic: _logic, leaves: _leaves, ...place } = rule;
    const message = `says the same as ${nameOf(earlier, rule)}`;
    findings.warn({ ...place, keys }, "HB_POLICY_DUPLICATE_RULE", { message, fix: "remove one of the two" });
  }
  return duplicates;
}

/** What a rule does, without what it is called and why. */
function contentOf({ policy, rule, phases }: AnalysedRule): string | undefined {
  const { tool, when, onUnknown, onUnavailable, exact, effect } = rule;
  const { reason: _, ...asked } = effect;
  const agents: JsonValue = policyPart(policy);
  return canonicalJson({ agents, on: [...phases].sort(), tool, when, onUnknown, onUnavailable, exact, asked });
}

function policyPart(policy: Policy): JsonValue {
  return { mode: policy.mode ?? "enforce", agents: agentsText(policy) };
}

function nameOf(rule: AnalysedRule, seenFrom: AnalysedRule): string {
  const policyId = policyIdOf(rule.policy);
  const name = `rule \`${ruleIdOf(rule.rule, policyId)}\``;
  return rule.policy === seenFrom.policy ? name : `${name} of policy \`${policyId}\``;
}
