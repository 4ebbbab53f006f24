import type {
  AgentSelector,
  Effect,
  EffectType,
  EvaluatedRule,
  Phase,
  PlannedRedaction,
  Policy,
  Rule,
} from "@handlebar/protocol";
import type { ConditionNeeds } from "./compile-context.ts";
import type { CompiledCondition, Leaf } from "./conditions/compiled-condition.ts";
import type { Counter } from "./counter.ts";
import type { AgentFacts } from "./facts.ts";
import { FALSE, type Outcome, outcomeName, TRUE, UNAVAILABLE_OUTCOME, UNKNOWN_OUTCOME } from "./outcome.ts";
import { hasAll, hasAny, type ToolMatcher } from "./tool-matcher.ts";

/** Effects by severity. */
export const SEVERITY: Readonly<Record<EffectType, number>> = { allow: 0, redact: 1, hitl: 2, block: 3 };

/** A policy with what all its rules share. */
export interface CompiledPolicy {
  readonly index: number;
  readonly policyId: string;
  /** With its ids filled in. */
  readonly source: Policy;
  readonly isEnabled: boolean;
  readonly isShadow: boolean;
}

/**
 * A rule, or the `default` of a policy as if it were its last rule. Always made as one object literal with every field,
 * so that the engine's loops see one shape.
 */
export interface CompiledRule {
  readonly policy: CompiledPolicy;
  readonly policyId: string;
  readonly ruleId: string;
  readonly isDefault: boolean;
  /** The rule and its policy are enabled. */
  readonly isEnabled: boolean;
  readonly isShadow: boolean;
  readonly effect: EffectType;
  readonly severity: number;
  readonly terminates: boolean;
  readonly priority: number;
  /** Place by policy id and rule id: the order in which decisions list rules. */
  order: number;
  /** Place by priority, then ids: the lower one wins between rules of one severity. */
  rank: number;
  readonly phases: readonly Phase[];
  readonly tool: ToolMatcher;
  readonly condition: CompiledCondition | undefined;
  /** Absent always holds. */
  readonly ask: Leaf | undefined;
  readonly unknownMatches: boolean;
  /** Absent leaves it to the fail mode. */
  readonly onUnavailable: "match" | "skip" | undefined;
  readonly redactions: readonly PlannedRedaction[];
  readonly needs: ConditionNeeds | undefined;
  /** Windows of its condition that decisions warn of. */
  readonly warners: readonly Counter[];
  /** The author's words on one line: the reason, else the rule's name. */
  readonly reason: string;
  /** Absent for a policy's `default`. */
  readonly source: Rule | undefined;
  /** What decisions say of it, made once: see `evaluatedRow`. */
  readonly rows: (EvaluatedRule | undefined)[];
}

/** What a decision says of a rule. One frozen object for each thing there is to say, shared by all decisions. */
// biome-ignore lint/complexity/useMaxParams: asked for every rule of every decision, where an options object would be garbage.
export function evaluatedRow(
  rule: CompiledRule,
  outcome: Outcome,
  isMatched: boolean,
  isShadow: boolean,
): EvaluatedRule {
  const at = (outcome << 2) | (isMatched ? 2 : 0) | (isShadow ? 1 : 0);
  return rule.rows[at] ?? addRow(rule, at, outcome);
}

function addRow(rule: CompiledRule, at: number, outcome: Outcome): EvaluatedRule {
  const isMatched = (at & 2) !== 0;
  const isByUnknown = (outcome & UNKNOWN_OUTCOME) !== 0 && rule.unknownMatches;
  const isUnavailable = (outcome & UNAVAILABLE_OUTCOME) !== 0 && !isByUnknown;
  const countsAsBlock = isMatched && isUnavailable && rule.onUnavailable === undefined;
  const row: EvaluatedRule = {
    ruleId: rule.ruleId,
    policyId: rule.policyId,
    enabled: rule.isEnabled,
    matched: isMatched,
    violated: isMatched && (rule.effect !== "allow" || countsAsBlock),
    mode: (at & 1) !== 0 ? "shadow" : "enforce",
    effect: rule.effect,
    outcome: outcomeName(outcome),
  };
  rule.rows[at] = Object.freeze(row);
  return row;
}

/** The row of a policy's default, which has no condition of its own. */
export function defaultRow(rule: CompiledRule, isMatched: boolean, isShadow: boolean): EvaluatedRule {
  return evaluatedRow(rule, isMatched ? TRUE : FALSE, isMatched, isShadow);
}

export function phasesOf({ on }: Rule): readonly Phase[] {
  return typeof on === "string" ? [on] : on;
}

/** Whether a condition that is unknown makes the rule match. */
export function unknownMatches({ effect, onUnknown }: Rule): boolean {
  return onUnknown === undefined ? effect.type !== "allow" : onUnknown === "match";
}

export function terminates(effect: Effect): boolean {
  return (effect.type === "block" || effect.type === "hitl") && effect.control === "TERMINATE";
}

/** Whether a policy is for this agent. */
export function selectsAgent(selector: AgentSelector | undefined, agent: AgentFacts): boolean {
  if (selector === undefined) return true;
  const { anyOfSlugs, anyOfTags, allOfTags } = selector;
  if (anyOfSlugs !== undefined && !anyOfSlugs.includes(agent.slug)) return false;
  if (anyOfTags !== undefined && !hasAny(agent.tags, anyOfTags)) return false;
  return allOfTags === undefined || hasAll(agent.tags, allOfTags);
}
