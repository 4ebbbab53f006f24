import { type AgentFacts, compile, type PolicySet, readsRunState } from "@handlebar/engine";
import { POLICY_SUBSET_COUNT_MAX, READS_STATE_AGENT_COUNT_MAX } from "../limits.ts";

/** The set of some policies of a set, by their ids; made once while the set is in force. Ids that it does not have are left out. */
export function subsetOf(set: PolicySet, policyIds: readonly string[] | undefined): PolicySet {
  if (policyIds === undefined) return set;
  const ids = new Set(policyIds);
  const policies = set.policies.filter(({ id }) => id !== undefined && ids.has(id));
  if (policies.length === set.policies.length) return set;
  const known = SUBSETS.get(set) ?? new Map<string, PolicySet>();
  SUBSETS.set(set, known);
  const name = JSON.stringify(policies.map(({ id }) => id));
  const found = known.get(name);
  if (found !== undefined) return found;
  const subset = compile(policies);
  if (known.size >= POLICY_SUBSET_COUNT_MAX) known.clear();
  known.set(name, subset);
  return subset;
}

/** `readsRunState`, asked once for each agent. */
export function remembersRuns(set: PolicySet, agent: AgentFacts): boolean {
  const known = READS.get(set) ?? new Map<string, boolean>();
  READS.set(set, known);
  const name = `${agent.slug}\n${agent.tags.join("\n")}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const reads = readsRunState(set, agent);
  if (known.size >= READS_STATE_AGENT_COUNT_MAX) known.clear();
  known.set(name, reads);
  return reads;
}

const SUBSETS = new WeakMap<PolicySet, Map<string, PolicySet>>();
const READS = new WeakMap<PolicySet, Map<string, boolean>>();
