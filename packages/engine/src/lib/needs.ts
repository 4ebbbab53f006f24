import { sharedNeedOf } from "./counter.ts";
import type { Facts, Needs } from "./facts.ts";
import type { PolicySet } from "./policy-set.ts";

const NOTHING: Needs = Object.freeze({ subjects: false, signals: [], customs: [], shared: [] });

/**
 * What must be fetched before `decide` (and, in the after phases, `noteResult`) is asked about these facts: the union of
 * what the rules for this call may read. `subjects`, `signals`, `customs` and `shared` of the facts are not looked at.
 */
export function needs(set: PolicySet, facts: Facts): Needs {
  const found = set.indexFor(facts.agent).candidates(facts).needs;
  if (found.isEmpty) return NOTHING;
  const { subjects, signals, customs } = found;
  const shared = found.shared.map((counter) => sharedNeedOf(counter, facts)).filter((need) => need !== undefined);
  return { subjects, signals, customs, shared };
}

/** Whether a rule, a window or a source of labels may look at what the call measured: where none does, nothing need be. */
export function readsMetrics(set: PolicySet, facts: Facts): boolean {
  const { rules, counters } = set.indexFor(facts.agent).candidates(facts);
  return rules.length > 0 || counters.length > 0 || !set.flow.isEmpty;
}
