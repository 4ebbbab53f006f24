import type { BudgetKey, Condition, MaxCallsCondition, MetricWindowCondition, Policy } from "@handlebar/protocol";
import type { BudgetLimit } from "../storage/budgets-table.ts";

type WindowCondition = MaxCallsCondition | MetricWindowCondition;

/**
 * The most that calls may come to before the rule matches, and so what is leased of a shared window; `undefined` when no policy has it, or no amount makes
 * the rule match: an average, a minimum, a maximum, or a sum that a rule wants to be large.
 */
export function spendLimitOf(policies: readonly Policy[], key: BudgetKey): BudgetLimit | undefined {
  const condition = windowOf(policies, key);
  if (condition === undefined || !hasCeiling(condition)) return undefined;
  const ceiling = ceilingOf(condition);
  if (condition.kind === "maxCalls" || condition.op !== "gte") return ceiling;
  return { ...ceiling, amount: ceiling.isWhole ? Math.ceil(ceiling.amount) - 1 : nextBelow(ceiling.amount) };
}

/** Whether calls in flight hold an estimate of what they will add. */
export function holdsEstimate(policies: readonly Policy[], key: BudgetKey): boolean {
  const condition = windowOf(policies, key);
  if (condition?.kind !== "metricWindow") return false;
  return condition.aggregate === "count" || (condition.aggregate === "sum" && condition.estimate !== undefined);
}

function hasCeiling(condition: WindowCondition): boolean {
  if (condition.kind === "maxCalls") return true;
  const isAdded = condition.aggregate === "sum" || condition.aggregate === "count";
  return isAdded && (condition.op === "gt" || condition.op === "gte");
}

function ceilingOf(condition: WindowCondition): BudgetLimit {
  const windowMs = (condition.windowSeconds ?? 0) * 1_000;
  if (condition.kind === "maxCalls") return { amount: condition.max, windowMs, isWhole: true };
  return { amount: condition.value, windowMs, isWhole: condition.aggregate === "count" };
}

function windowOf(policies: readonly Policy[], key: BudgetKey): WindowCondition | undefined {
  const policy = policies.find(({ id }) => id === key.policyId);
  const rule = policy?.rules.find(({ id }) => id === key.ruleId);
  const condition = rule?.when === undefined ? undefined : windowsIn(rule.when)[key.index];
  const isKept = condition?.windowSeconds !== undefined && condition.scope === key.scope && key.scope !== "run";
  return isKept ? condition : undefined;
}

/** The conditions that read windows, in reading order, as budget keys number them. */
function windowsIn(condition: Condition): readonly WindowCondition[] {
  switch (condition.kind) {
    case "and":
      return condition.all.flatMap(windowsIn);
    case "or":
      return condition.any.flatMap(windowsIn);
    case "not":
      return windowsIn(condition.not);
    case "maxCalls":
    case "metricWindow":
      return [condition];
    default:
      return [];
  }
}

/** The largest number below a positive one: a sum of it and nothing more does not reach the limit. */
function nextBelow(value: number): number {
  return value - Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
}
