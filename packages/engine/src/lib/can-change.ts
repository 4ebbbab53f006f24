import type { Phase } from "@handlebar/protocol";
import type { AgentFacts } from "./facts.ts";
import type { PolicySet } from "./policy-set.ts";

/**
 * Whether any enforced rule for an agent asks for a redaction, a person or a block in a phase: where none does, what the phase
 * carries goes on as it is, whatever it holds.
 */
export function canChange(set: PolicySet, agent: AgentFacts, phase: Phase): boolean {
  const rules = set.indexFor(agent).rulesOf(phase);
  return rules.some((rule) => rule.isEnabled && !rule.isShadow && rule.effect !== "allow");
}
