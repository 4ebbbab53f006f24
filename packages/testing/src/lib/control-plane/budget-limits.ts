import type { BudgetKey, Condition, MaxCallsCondition, MetricWindowCondition, Policy } from "@handlebar/protocol";

/** How much a shared window may hold, and over how long. */
export interface BudgetLimit {
  readonly amount: number;
  readonly windowMs: number;
  /** Counts calls, which come whole. */
  readonly isWhole: boolean;
}

type WindowCondition = MaxCallsCondition | MetricWindowCondition;

/** The limit that a budget key means; `undefined` when no policy has it or it cannot be shared out (average, minimum, maximum). */
export function findBudgetLimit(policies: readonly Policy[], key: BudgetKey): BudgetLimit | undefined {
  const rule = policies
    .find((policy) => policy.id === key.policyId)
    ?.rules.find((candidate) => candidate.id === key.ruleId);
  const condition = rule?.when === undefined ? undefined : windowsOf(rule.when)[key.index];
  if (condition?.windowSeconds === undefined || condition.scope !== key.scope) return undefined;
  const windowMs = condition.windowSeconds * 1000;
  if (condition.kind === "maxCalls") return { amount: condition.max, windowMs, isWhole: true };
  if (condition.op === "lt" || condition.op === "lte") return undefined;
  if (condition.aggregate !== "sum" && condition.aggregate !== "count") return undefined;
  const isWhole = condition.aggregate === "count";
  if (condition.op === "gt") return { amount: condition.value, windowMs, isWhole };
  const step = Math.max(Math.abs(condition.value) * Number.EPSILON, Number.MIN_VALUE);
  return { amount: isWhole ? Math.ceil(condition.value) - 1 : condition.value - step, windowMs, isWhole };
}

/** The conditions that read windows, in reading order, as budget keys number them. */
function windowsOf(condition: Condition): readonly WindowCondition[] {
  switch (condition.kind) {
    case "and":
      return condition.all.flatMap(windowsOf);
    case "or":
      return condition.any.flatMap(windowsOf);
    case "not":
      return windowsOf(condition.not);
    case "maxCalls":
    case "metricWindow":
      return [condition];
    default:
      return [];
  }
}
