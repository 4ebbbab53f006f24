import type { BudgetKey, WindowScope } from "@handlebar/protocol";
import type { Facts, SharedNeed, ToolFacts } from "./facts.ts";
import type { Aggregate } from "./window.ts";
import type { WindowKey } from "./window-store.ts";

/** A window that one condition reads, and which calls it counts. */
export interface Counter {
  /** Place of the policy among those compiled. */
  readonly policyIndex: number;
  readonly policyId: string;
  readonly ruleId: string;
  /** Place of the condition among those of its rule that read a window, in reading order, from 0. */
  readonly index: number;
  readonly scope: WindowScope;
  /** `calls` for `maxCalls`, else the metric's name. */
  readonly metric: string;
  readonly aggregate: Aggregate;
  /** Absent counts since the run began. */
  readonly windowMs: number | undefined;
  readonly limit: number;
  /** The most that the window may hold before its condition does, where more of it makes the condition hold and it adds up. */
  readonly ceiling: number | undefined;
  /** What a call that has not ended is assumed to add. */
  readonly estimate: number | undefined;
  /** From which share of the limit on decisions warn. */
  readonly warnAt: number | undefined;
  readonly exact: boolean;
  /** Where windows of scope `run` are kept. */
  readonly windowKey: WindowKey;
  readonly countsTool: (tool: ToolFacts) => boolean;
  readonly countsLlm: boolean;
}

/** The metric of `maxCalls`. */
export const CALLS_METRIC = "calls";

/** Whether the call that the facts are about is one that the counter counts. */
export function countsCall(counter: Counter, facts: Facts): boolean {
  if (isLlmPhase(facts)) return counter.countsLlm;
  return facts.call !== undefined && counter.countsTool(facts.call.tool);
}

export function isBeforePhase(facts: Facts): boolean {
  return facts.phase === "tool.before" || facts.phase === "llm.before";
}

export function isLlmPhase(facts: Facts): boolean {
  return facts.phase === "llm.before" || facts.phase === "llm.after";
}

/** Metrics that only model calls report, so that other calls hold no estimate of them. */
const LLM_METRIC = /^llm_/;

/** What a counted call is assumed to add until it ends; `undefined` when nothing is assumed. */
export function assumedAmount(counter: Counter, facts: Facts): number | undefined {
  if (counter.metric === CALLS_METRIC) return 1;
  if (LLM_METRIC.test(counter.metric) && !isLlmPhase(facts)) return undefined;
  return counter.aggregate === "count" ? 1 : counter.estimate;
}

/**
 * What a finished call added: its metric; for one that failed without reporting it, what it was assumed to add; else
 * `undefined`, nothing.
 */
function finalAmount(counter: Counter, facts: Facts): number | undefined {
  const metrics = facts.metrics;
  if (metrics !== undefined && Object.hasOwn(metrics, counter.metric)) return metrics[counter.metric];
  const hasFailed = isLlmPhase(facts) ? facts.llm?.response === undefined : facts.call?.error !== undefined;
  return hasFailed && counter.aggregate === "sum" ? assumedAmount(counter, facts) : undefined;
}

/** Whose window it is for these facts; `undefined` when they have no such agent, actor, group or session. */
function scopeIdOf(scope: WindowScope, facts: Facts): string | undefined {
  switch (scope) {
    case "run":
      return facts.run.runId;
    case "session":
      return facts.run.sessionId;
    case "agent":
      return facts.agent.slug;
    case "actor":
      return facts.actor?.externalId;
    case "agentActor":
      // A slug holds no `/`, so the two cannot be confused.
      return facts.actor === undefined ? undefined : `${facts.agent.slug}/${facts.actor.externalId}`;
    case "group":
      return facts.actor?.group?.externalId;
    case "workspace":
      return "";
  }
}

/** The key of a window beyond the run; `undefined` when the facts have nobody that it could belong to. */
export function budgetKeyOf(counter: Counter, facts: Facts): BudgetKey | undefined {
  const scopeId = scopeIdOf(counter.scope, facts);
  if (scopeId === undefined) return undefined;
  const { policyId, ruleId, index, scope } = counter;
  return { policyId, ruleId, index, scope, scopeId };
}

/** What a rule needs to read of a window beyond the run; `undefined` when the facts have nobody that it could belong to. */
export function sharedNeedOf(counter: Counter, facts: Facts): SharedNeed | undefined {
  const key = budgetKeyOf(counter, facts);
  if (key === undefined || counter.windowMs === undefined) return undefined;
  return {
    key,
    metric: counter.metric,
    aggregate: counter.aggregate,
    windowMs: counter.windowMs,
    limit: counter.limit,
    ...(counter.ceiling === undefined ? {} : { ceiling: counter.ceiling }),
    amount: addedAmount(counter, facts) ?? 0,
    exact: counter.exact,
  };
}

/** What the call at hand will add to a window: in the after phases every window has it in already. */
export function addedAmount(counter: Counter, facts: Facts): number | undefined {
  return isBeforePhase(facts) && countsCall(counter, facts) ? assumedAmount(counter, facts) : undefined;
}

/** What a finished call adds to windows of its metric. */
export function finishedAmount(counter: Counter, facts: Facts): number | undefined {
  const amount = finalAmount(counter, facts);
  return counter.aggregate === "count" && amount !== undefined ? 1 : amount;
}
