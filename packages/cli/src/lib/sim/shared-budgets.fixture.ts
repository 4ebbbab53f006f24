import type { Condition, Policy, Rule } from "@handlebar/protocol";

/** One shared budget, and the tool whose calls use it. */
export interface SharedBudget {
  readonly tool: string;
  readonly limit: number;
  readonly windowMs: number;
  /** It has room again within the test. */
  readonly refills: boolean;
  /** The most that one call comes to; what it does come to is known when it ends. Absent: calls are counted. */
  readonly estimate?: number | undefined;
}

/** Counted calls, money that is known afterwards, and a window that rolls while it is used. */
export const CALLS: SharedBudget = { tool: "send", limit: 200, windowMs: 3_600_000, refills: false };
export const MONEY: SharedBudget = { tool: "pay", limit: 100, windowMs: 3_600_000, refills: false, estimate: 0.5 };
export const ROLLING: SharedBudget = { tool: "poll", limit: 24, windowMs: 15_000, refills: true };

/** The policy that limits them. */
export function policyOf(budgets: readonly SharedBudget[]): Policy {
  return { id: "budgets", name: "budgets", rules: budgets.map(ruleOf) };
}

function ruleOf(budget: SharedBudget): Rule {
  const { tool } = budget;
  return {
    id: tool,
    name: `budget of ${tool}`,
    on: "tool.before",
    tool: { name: tool },
    when: conditionOf(budget),
    effect: { type: "block" },
    onUnavailable: "match",
  };
}

function conditionOf({ limit, windowMs, estimate, tool }: SharedBudget): Condition {
  const window = { scope: "agent", windowSeconds: windowMs / 1000 } as const;
  if (estimate === undefined) return { kind: "maxCalls", max: limit, ...window };
  const sum = { kind: "metricWindow", metric: "usd", aggregate: "sum", op: "gt" } as const;
  return { ...sum, ...window, value: limit, estimate, tool: { name: tool } };
}
