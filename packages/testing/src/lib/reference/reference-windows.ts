import type { Facts } from "@handlebar/engine";
import type { BudgetWarning, MaxCallsCondition, MetricWindowCondition, Rule } from "@handlebar/protocol";
import { compareOrder, selects, selectsEveryTool } from "./reference-comparison.ts";
import { hasFailed, type PastCall, type ReferenceHistory } from "./reference-history.ts";
import { type ReferenceOutcome, UNAVAILABLE_REASON } from "./reference-outcome.ts";

export type WindowCondition = MaxCallsCondition | MetricWindowCondition;

/** What a window condition is asked about. */
export interface WindowQuestion {
  readonly condition: WindowCondition;
  readonly rule: Rule;
  readonly policyId: string;
  /** Place among the windows of its rule, in reading order. */
  readonly index: number;
  readonly facts: Facts;
  readonly history: ReferenceHistory;
}

export function compareWindow(question: WindowQuestion): ReferenceOutcome {
  const value = question.condition.scope === "run" ? runValue(question) : sharedValue(question);
  if (value === "unavailable") return UNAVAILABLE_REASON;
  if (value === undefined) return false;
  const { condition } = question;
  return condition.kind === "maxCalls" ? value > condition.max : compareOrder(condition.op, value, condition.value);
}

/** What a window whose condition says `warnAt` holds without the call at hand, where it is enough to warn of. */
export function warningOf(question: WindowQuestion): BudgetWarning | undefined {
  const { condition, policyId, rule, facts } = question;
  if (condition.warnAt === undefined) return undefined;
  const reading = condition.scope === "run" ? undefined : readShared(question);
  // A finished phase has no call of its own to add.
  const before = isBefore(facts) ? { ...question, facts: { ...facts, phase: "tool.after" as const } } : question;
  const used = condition.scope === "run" ? runValue(before) : (reading?.used ?? reading?.value ?? undefined);
  const limit = condition.kind === "maxCalls" ? condition.max : condition.value;
  if (used === undefined || limit <= 0 || used < limit * condition.warnAt) return undefined;
  const resetAt = used < limit ? undefined : resetAtMs(question);
  return { policyId, ruleId: rule.id ?? "", used, limit, ...(resetAt === undefined ? {} : { resetAt }) };
}

/** When a window that is full has room again, where that is known. */
export function resetAtMs(question: WindowQuestion): number | undefined {
  const { condition, facts, history } = question;
  if (condition.scope !== "run") return readShared(question)?.resetAtMs;
  if (condition.kind !== "maxCalls" || condition.windowSeconds === undefined) return undefined;
  const windowMs = condition.windowSeconds * 1000;
  const times = history.calls.filter((call) => counts(question, call)).map((call) => call.atMs);
  const limit = isBefore(facts) && countsThis(question) ? condition.max : condition.max + 1;
  if (limit <= 0) return undefined;
  const candidates = [facts.nowMs, ...times.map((atMs) => atMs + windowMs)].filter((atMs) => atMs >= facts.nowMs);
  return candidates
    .sort((a, b) => a - b)
    .find((candidate) => times.filter((atMs) => atMs > candidate - windowMs).length < limit);
}

function runValue(question: WindowQuestion): number | undefined {
  const { condition, facts, history } = question;
  const sinceMs = condition.windowSeconds === undefined ? -Infinity : facts.nowMs - condition.windowSeconds * 1000;
  const calls = history.calls.filter((call) => counts(question, call));
  const own = isBefore(facts) && countsThis(question) ? assumed(condition, facts) : undefined;
  if (condition.kind === "maxCalls") return calls.filter((call) => call.atMs > sinceMs).length + (own ?? 0);
  const ended = calls.flatMap(({ end }) => (end !== undefined && end.nowMs > sinceMs ? [final(condition, end)] : []));
  const amounts = ended.filter((amount) => amount !== undefined);
  const open = calls.filter(({ end }) => end === undefined).map((call) => assumedOf(condition, call));
  return aggregate(condition, amounts, { open: open.filter((amount) => amount !== undefined), own });
}

function sharedValue(question: WindowQuestion): number | "unavailable" | undefined {
  const { condition, facts } = question;
  if (scopeId(question) === undefined) return undefined;
  const reading = readShared(question);
  if (reading === undefined) return "unavailable";
  const value = reading.value ?? undefined;
  const own = isBefore(facts) && countsThis(question) ? assumed(condition, facts) : undefined;
  if (own === undefined) return value;
  if (condition.kind === "maxCalls" || condition.aggregate === "sum" || condition.aggregate === "count") {
    return (value ?? 0) + own;
  }
  return withOwn(condition.aggregate, value, own);
}

function readShared(
  question: WindowQuestion,
):
  | { readonly value: number | null; readonly used?: number | undefined; readonly resetAtMs?: number | undefined }
  | undefined {
  const { condition, facts, policyId, rule, index } = question;
  const id = scopeId(question);
  if (id === undefined) return undefined;
  return facts.shared?.read({
    key: { policyId, ruleId: rule.id ?? "", index, scope: condition.scope, scopeId: id },
    metric: condition.kind === "maxCalls" ? "calls" : condition.metric,
    aggregate: condition.kind === "maxCalls" ? "count" : condition.aggregate,
    windowMs: (condition.windowSeconds ?? 0) * 1000,
    limit: condition.kind === "maxCalls" ? condition.max : condition.value,
    amount: 0,
    exact: rule.exact === true,
  });
}

function aggregate(
  { aggregate: how }: MetricWindowCondition,
  amounts: readonly number[],
  more: { readonly open: readonly number[]; readonly own: number | undefined },
): number | undefined {
  const sum = (list: readonly number[]): number => list.reduce((total, amount) => total + amount, 0);
  if (how === "sum") return sum(amounts) + sum(more.open) + (more.own ?? 0);
  if (how === "count") return amounts.length + more.open.length + (more.own ?? 0);
  if (how === "avg") return amounts.length === 0 ? undefined : sum(amounts) / amounts.length;
  const value = amounts.length === 0 ? undefined : how === "max" ? Math.max(...amounts) : Math.min(...amounts);
  return withOwn(how, value, more.own);
}

function withOwn(how: "avg" | "max" | "min", value: number | undefined, own: number | undefined): number | undefined {
  if (how === "avg" || own === undefined) return value;
  if (value === undefined) return own;
  return how === "max" ? Math.max(value, own) : Math.min(value, own);
}

/** What a call is taken to add until it ends. */
function assumed(condition: WindowCondition, facts: Facts): number | undefined {
  return assumedBy(condition, facts.phase.startsWith("llm."));
}

function assumedOf(condition: WindowCondition, call: PastCall): number | undefined {
  return assumedBy(condition, call.tool === undefined);
}

function assumedBy(condition: WindowCondition, isLlm: boolean): number | undefined {
  if (condition.kind === "maxCalls") return 1;
  if (condition.metric.startsWith("llm_") && !isLlm) return undefined;
  return condition.aggregate === "count" ? 1 : condition.estimate;
}

/** What a call that ended did add. */
function final(condition: MetricWindowCondition, end: Facts): number | undefined {
  const reported = Object.entries(end.metrics ?? {}).find(([name]) => name === condition.metric)?.[1];
  if (reported !== undefined) return reported;
  return hasFailed(end) && condition.aggregate === "sum" ? assumed(condition, end) : undefined;
}

function countsThis(question: WindowQuestion): boolean {
  const { facts } = question;
  return counts(question, { tool: facts.phase.startsWith("llm.") ? undefined : facts.call?.tool });
}

function counts({ condition, rule }: WindowQuestion, { tool }: Pick<PastCall, "tool">): boolean {
  if (condition.tool !== undefined) return tool !== undefined && selects(condition.tool, tool);
  if (condition.kind === "metricWindow") return true;
  const phases = [rule.on].flat();
  if (tool === undefined) return selectsEveryTool(rule.tool) && phases.some((phase) => phase.startsWith("llm."));
  return selects(rule.tool, tool) && phases.some((phase) => phase.startsWith("tool."));
}

function scopeId({ condition, facts }: WindowQuestion): string | undefined {
  const { actor, run, agent } = facts;
  switch (condition.scope) {
    case "run":
      return run.runId;
    case "session":
      return run.sessionId;
    case "agent":
      return agent.slug;
    case "actor":
      return actor?.externalId;
    case "agentActor":
      return actor === undefined ? undefined : `${agent.slug}/${actor.externalId}`;
    case "group":
      return actor?.group?.externalId;
    case "workspace":
      return "";
  }
}

function isBefore(facts: Facts): boolean {
  return facts.phase.endsWith(".before");
}
