import type { BudgetWarning, MaxCallsCondition, MetricWindowCondition, ToolSelector } from "@handlebar/protocol";
import type { CompileContext } from "../compile-context.ts";
import { addedAmount, CALLS_METRIC, type Counter, countsCall, isBeforePhase, sharedNeedOf } from "../counter.ts";
import type { Frame } from "../frame.ts";
import { FALSE, type Outcome, outcomeOf, UNAVAILABLE_OUTCOME, UNKNOWN_OUTCOME } from "../outcome.ts";
import { compileToolMatcher, type ToolMatcher } from "../tool-matcher.ts";
import { COST, type CompiledLeaf } from "./compiled-condition.ts";
import { compileOrder } from "./number-test.ts";
import { textOf } from "./text-test.ts";

/** Holds when the calls counted, this one included where it is one of them, are more than `max`. */
export function compileMaxCalls(condition: MaxCallsCondition, context: CompileContext): CompiledLeaf {
  const { owner } = context;
  const tool = condition.tool === undefined ? owner.tool : toolOrFail(condition.tool, context);
  const isOwn = condition.tool === undefined;
  const countsTools = !isOwn || owner.phases.some((phase) => phase.startsWith("tool."));
  const countsLlm = isOwn && owner.tool.isAny && owner.phases.some((phase) => phase.startsWith("llm."));
  const counter = addCounter(condition, context, {
    metric: CALLS_METRIC,
    aggregate: "count",
    limit: condition.max,
    ceiling: condition.max,
    estimate: undefined,
    warnAt: condition.warnAt,
    countsTool: countsTools ? tool.matches : () => false,
    countsLlm,
  });
  const holds = (count: number): boolean => count > condition.max;
  return {
    kind: "maxCalls",
    cost: COST.window,
    eval: (frame) => compareWindow(counter, frame, holds),
    resetAtMs: (frame) => callsResetAtMs(counter, frame),
  };
}

/** Compares what the window adds up to, this call's estimate or metric included where the call is counted. */
export function compileMetricWindow(condition: MetricWindowCondition, context: CompileContext): CompiledLeaf {
  const tool = condition.tool === undefined ? undefined : toolOrFail(condition.tool, context);
  const counter = addCounter(condition, context, {
    metric: condition.metric,
    aggregate: condition.aggregate,
    limit: condition.value,
    ceiling: ceilingOf(condition),
    estimate: condition.estimate,
    warnAt: condition.warnAt,
    countsTool: tool === undefined ? () => true : tool.matches,
    countsLlm: tool === undefined,
  });
  const holds = compileOrder(condition.op, condition.value);
  const isUpperLimit = condition.op === "gt" || condition.op === "gte";
  return {
    kind: "metricWindow",
    cost: COST.window,
    eval: (frame) => compareWindow(counter, frame, holds),
    resetAtMs: isUpperLimit ? (frame) => sharedResetAtMs(counter, frame) : undefined,
  };
}

function toolOrFail(selector: ToolSelector, context: CompileContext): ToolMatcher {
  try {
    return compileToolMatcher(selector);
  } catch (error) {
    return context.fail("HB_POLICY_LIMIT", textOf(error), "tool.name");
  }
}

/** Only what adds up can be shared out, and only where a rule wants it not to grow too much. */
function ceilingOf({ aggregate, op, value }: MetricWindowCondition): number | undefined {
  if ((aggregate !== "sum" && aggregate !== "count") || op === "lt" || op === "lte") return undefined;
  if (op === "gt") return value;
  // The largest number below: a count comes whole, and a sum by the smallest step there is.
  return aggregate === "count"
    ? Math.ceil(value) - 1
    : value - Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
}

type CounterRest = Pick<
  Counter,
  "metric" | "aggregate" | "limit" | "ceiling" | "warnAt" | "estimate" | "countsTool" | "countsLlm"
>;

function addCounter(
  condition: MaxCallsCondition | MetricWindowCondition,
  context: CompileContext,
  rest: CounterRest,
): Counter {
  const { policyIndex, policyId, ruleId, exact } = context.owner;
  const { scope, windowSeconds } = condition;
  if (scope !== "run" && windowSeconds === undefined) {
    context.fail(
      "HB_POLICY_INVALID",
      "is required for every scope but `run`; give the window's length",
      "windowSeconds",
    );
  }
  const index = context.nextWindowIndex();
  const windowMs = windowSeconds === undefined ? undefined : windowSeconds * 1000;
  const windowKey = { key: `${policyId}\n${ruleId}\n${index}`, windowMs };
  const counter: Counter = { policyIndex, policyId, ruleId, index, scope, windowMs, exact, windowKey, ...rest };
  context.shared.counters.push(counter);
  if (scope !== "run") context.needs.shared.push(counter);
  if (counter.warnAt !== undefined) context.needs.warners.push(counter);
  return counter;
}

function compareWindow(counter: Counter, frame: Frame, holds: (value: number) => boolean): Outcome {
  const { facts } = frame;
  let value: number | null | undefined;
  if (counter.scope === "run") {
    value = facts.run.state.windows.read(counter.windowKey, facts.nowMs, counter.aggregate);
    if (value === undefined) return UNKNOWN_OUTCOME;
  } else {
    const need = sharedNeedOf(counter, facts);
    if (need === undefined) return FALSE;
    const reading = facts.shared?.read(need);
    if (reading === undefined) return UNAVAILABLE_OUTCOME;
    value = reading.value;
  }
  value = withOwn(counter, value, addedAmount(counter, facts));
  if (value === null) return FALSE;
  return Number.isFinite(value) ? outcomeOf(holds(value)) : UNKNOWN_OUTCOME;
}

/** What the window of a condition with `warnAt` holds, where that is enough to warn of. */
export function warningOf(counter: Counter, frame: Frame): BudgetWarning | undefined {
  const { policyId, ruleId, limit, warnAt = 1 } = counter;
  const used = readUsed(counter, frame);
  if (used === undefined || limit <= 0 || !(used >= limit * warnAt)) return undefined;
  const resetAtMs = used < limit ? undefined : resetAtOf(counter, frame);
  return { policyId, ruleId, used, limit, ...(resetAtMs === undefined ? {} : { resetAt: resetAtMs }) };
}

function readUsed(counter: Counter, { facts }: Frame): number | undefined {
  if (counter.scope === "run") {
    return facts.run.state.windows.read(counter.windowKey, facts.nowMs, counter.aggregate) ?? undefined;
  }
  const need = sharedNeedOf(counter, facts);
  const reading = need === undefined ? undefined : facts.shared?.read(need);
  return reading?.used ?? reading?.value ?? undefined;
}

function resetAtOf(counter: Counter, frame: Frame): number | undefined {
  return counter.metric === CALLS_METRIC ? callsResetAtMs(counter, frame) : sharedResetAtMs(counter, frame);
}

/** An average is of finished calls alone. */
function withOwn(counter: Counter, value: number | null, own: number | undefined): number | null {
  if (own === undefined || counter.aggregate === "avg") return value;
  if (counter.aggregate === "max") return value === null ? own : Math.max(value, own);
  if (counter.aggregate === "min") return value === null ? own : Math.min(value, own);
  return (value ?? 0) + own;
}

function callsResetAtMs(counter: Counter, frame: Frame): number | undefined {
  if (counter.scope !== "run") return sharedResetAtMs(counter, frame);
  const { facts } = frame;
  const isAdding = isBeforePhase(facts) && countsCall(counter, facts);
  const limit = isAdding ? counter.limit : counter.limit + 1;
  return facts.run.state.windows.countBelowAtMs(counter.windowKey, facts.nowMs, limit);
}

function sharedResetAtMs(counter: Counter, frame: Frame): number | undefined {
  if (counter.scope === "run") return undefined;
  const need = sharedNeedOf(counter, frame.facts);
  return need === undefined ? undefined : frame.facts.shared?.read(need)?.resetAtMs;
}
