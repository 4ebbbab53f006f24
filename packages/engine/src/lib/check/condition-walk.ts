import type { Condition, FlowSource, Phase, Policy, Rule } from "@handlebar/protocol";
import { phasesOf } from "../compiled-rule.ts";
import { CONDITION_DEPTH_MAX } from "../limits.ts";

type Keys = readonly PropertyKey[];

/** A condition that has none inside. */
export type LeafCondition = Exclude<Condition, { readonly kind: "and" | "or" | "not" }>;

/** A leaf and where it stands, from the policy. */
export interface PlacedLeaf {
  readonly leaf: LeafCondition;
  readonly keys: Keys;
}

/** The leaves of a condition, in order; those nested deeper than a condition may be are left out. */
function leavesOf(condition: Condition | undefined, keys: Keys): readonly PlacedLeaf[] {
  const leaves: PlacedLeaf[] = [];
  const visit = (one: Condition, at: Keys, depth: number): void => {
    if (depth > CONDITION_DEPTH_MAX) return;
    if (one.kind === "and")
      for (const [place, part] of one.all.entries()) visit(part, [...at, "all", place], depth + 1);
    else if (one.kind === "or")
      for (const [place, part] of one.any.entries()) visit(part, [...at, "any", place], depth + 1);
    else if (one.kind === "not") visit(one.not, [...at, "not"], depth + 1);
    else leaves.push({ leaf: one, keys: at });
  };
  if (condition !== undefined) visit(condition, keys, 1);
  return leaves;
}

/** A rule and where it stands. */
export interface PlacedRule {
  readonly policyIndex: number;
  readonly policy: Policy;
  readonly rule: Rule;
  readonly keys: Keys;
  readonly leaves: readonly PlacedLeaf[];
  readonly phases: readonly Phase[];
}

/** A source of labels or trust and where it stands. */
export interface PlacedSource {
  readonly policyIndex: number;
  readonly policy: Policy;
  readonly source: FlowSource;
  readonly keys: Keys;
  readonly leaves: readonly PlacedLeaf[];
}

export function placedRules(policies: readonly Policy[]): readonly PlacedRule[] {
  return policies.flatMap((policy, policyIndex) =>
    policy.rules.map((rule, at): PlacedRule => {
      const keys = ["rules", at];
      const phases = phasesOf(rule);
      return { policyIndex, policy, rule, keys, leaves: leavesOf(rule.when, [...keys, "when"]), phases };
    }),
  );
}

export function placedSources(policies: readonly Policy[]): readonly PlacedSource[] {
  return policies.flatMap((policy, policyIndex) =>
    (policy.flow?.sources ?? []).map((source, at): PlacedSource => {
      const keys = ["flow", "sources", at];
      return { policyIndex, policy, source, keys, leaves: leavesOf(source.when, [...keys, "when"]) };
    }),
  );
}
