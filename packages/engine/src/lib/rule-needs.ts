import type { ConditionNeeds, CustomNeed } from "./compile-context.ts";
import type { CompiledRule } from "./compiled-rule.ts";
import type { Counter } from "./counter.ts";

/** What must be known before some rules can be asked. */
export interface CandidateNeeds {
  readonly isEmpty: boolean;
  readonly subjects: boolean;
  readonly signals: readonly string[];
  readonly customs: readonly CustomNeed[];
  readonly shared: readonly Counter[];
}

const NOTHING: CandidateNeeds = { isEmpty: true, subjects: false, signals: [], customs: [], shared: [] };

export function collectNeeds(rules: readonly CompiledRule[]): CandidateNeeds {
  return joinNeeds(rules.filter((rule) => rule.isEnabled).map((rule) => rule.needs));
}

/** The union; each signal and custom condition once, in the order of the rules. */
function joinNeeds(all: readonly (ConditionNeeds | CandidateNeeds | undefined)[]): CandidateNeeds {
  const some = all.filter((needs) => needs !== undefined && !needs.isEmpty);
  if (some.length === 0) return NOTHING;
  const signals = new Set<string>();
  const customs = new Map<string, CustomNeed>();
  const shared: Counter[] = [];
  let subjects = false;
  for (const needs of some) {
    if (needs === undefined) continue;
    subjects ||= needs.subjects;
    for (const signal of needs.signals) signals.add(signal);
    for (const custom of needs.customs) customs.set(custom.key, custom);
    shared.push(...needs.shared);
  }
  return { isEmpty: false, subjects, signals: [...signals], customs: [...customs.values()], shared };
}
