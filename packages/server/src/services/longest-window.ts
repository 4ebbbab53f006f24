import type { Condition, Policy } from "@handlebar/protocol";

/** The longest rolling window that an enabled rule looks back over, in seconds; 0 where none does. */
export function longestWindowSeconds(policies: readonly Policy[]): number {
  const rules = policies.filter(({ enabled }) => enabled !== false).flatMap((policy) => policy.rules);
  const windows = rules.map(({ enabled, when }) => (enabled === false || when === undefined ? 0 : windowOf(when)));
  return windows.reduce((longest, seconds) => Math.max(longest, seconds), 0);
}

function windowOf(condition: Condition): number {
  switch (condition.kind) {
    case "and":
      return longestOf(condition.all);
    case "or":
      return longestOf(condition.any);
    case "not":
      return windowOf(condition.not);
    case "maxCalls":
    case "metricWindow":
      return condition.windowSeconds ?? 0;
    default:
      return 0;
  }
}

function longestOf(conditions: readonly Condition[]): number {
  return conditions.reduce((longest, condition) => Math.max(longest, windowOf(condition)), 0);
}
