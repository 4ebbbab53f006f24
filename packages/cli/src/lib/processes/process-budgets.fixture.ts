import type { Policy, Rule } from "@handlebar/protocol";

/** One budget that processes share. */
export interface ProcessBudget {
  /** Of the rule, and of the tool where it limits one. */
  readonly name: string;
  /** What uses it: a call counts one; what a tool or a model costs is known when it ends. */
  readonly of: "calls" | "tool" | "model";
  readonly limit: number;
  /** The most that one call comes to; 1 where calls count. */
  readonly estimate: number;
}

/** What was spent stays in the window for as long as a round can last. */
const WINDOW_SECONDS = 86_400;

export function policyOf(budgets: readonly ProcessBudget[]): Policy {
  return { id: "budgets", name: "budgets", rules: budgets.map(ruleOf) };
}

function ruleOf(budget: ProcessBudget): Rule {
  const { name, of, limit, estimate } = budget;
  const window = { scope: "agent", windowSeconds: WINDOW_SECONDS } as const;
  const sum = { kind: "metricWindow", aggregate: "sum", op: "gt", value: limit, estimate, ...window } as const;
  const rule = { id: name, name, effect: { type: "block" }, onUnavailable: "match" } as const;
  if (of === "model") return { ...rule, on: "llm.before", when: { ...sum, metric: "llm_cost_usd" } };
  const tool = { name };
  return of === "calls"
    ? { ...rule, on: "tool.before", tool, when: { kind: "maxCalls", max: limit, ...window } }
    : { ...rule, on: "tool.before", tool, when: { ...sum, metric: "usd", tool } };
}

/** The window of every such budget. */
export const WINDOW_MS: number = WINDOW_SECONDS * 1000;
