import { type Facts, UNKNOWN } from "@handlebar/engine";
import type {
  Actor,
  BudgetWarning,
  CallPattern,
  Condition,
  Message,
  Policy,
  Rule,
  TimeWindow,
} from "@handlebar/protocol";
import { compare, compareOrder, compareTexts, ifMissing, selects } from "./reference-comparison.ts";
import { compareOrigins, labelsNow } from "./reference-flow.ts";
import type { ReferenceHistory } from "./reference-history.ts";
import { allOf, anyOf, negated, type ReferenceOutcome, UNKNOWN_REASON } from "./reference-outcome.ts";
import { comparePath, MISTYPED, placesAt } from "./reference-path.ts";
import { compareWindow, resetAtMs, type WindowCondition, warningOf } from "./reference-windows.ts";

/** What the reference cannot know by itself. */
export interface ReferenceHost {
  /** The answer of the host's own condition. */
  readonly custom: (name: string) => boolean | undefined;
  /** What an expression comes to, by its text. */
  readonly expression: (src: string, facts: Facts) => boolean | undefined;
  /** How many places in a text the detectors of a condition find. */
  readonly findings: (text: string) => number;
}

/** Everything that a condition is asked about. */
export interface Asked {
  readonly facts: Facts;
  readonly history: ReferenceHistory;
  readonly host: ReferenceHost;
  /** Policies of this agent that are enabled. */
  readonly policies: readonly Policy[];
  readonly rule: Rule;
  readonly policyId: string;
}

type Budget = { readonly resetAtMs: number | undefined };

/** One rule's condition, walked as it is written. */
export class ReferenceCondition {
  readonly #asked: Asked;
  readonly #windows: readonly WindowCondition[];

  constructor(condition: Condition, asked: Asked) {
    this.#asked = asked;
    this.#windows = windowsOf(condition);
  }

  outcome(condition: Condition): ReferenceOutcome {
    if (condition.kind === "and") return allOf(condition.all.map((one) => this.outcome(one)));
    if (condition.kind === "or") return anyOf(condition.any.map((one) => this.outcome(one)));
    if (condition.kind === "not") return negated(this.outcome(condition.not));
    return this.#leaf(condition);
  }

  /** The budget without which the condition would not hold. */
  spentBudget(condition: Condition): Budget | undefined {
    if (this.outcome(condition) !== true) return undefined;
    if (condition.kind === "maxCalls" || condition.kind === "metricWindow") {
      const isLimit = condition.kind === "maxCalls" || condition.op === "gt" || condition.op === "gte";
      return isLimit ? { resetAtMs: resetAtMs(this.#question(condition)) } : undefined;
    }
    const order = (budget: Budget): number => budget.resetAtMs ?? Number.POSITIVE_INFINITY;
    if (condition.kind === "and") {
      const spent = condition.all.map((one) => this.spentBudget(one)).filter((one) => one !== undefined);
      return spent.reduce<Budget | undefined>((a, b) => (a === undefined || order(b) < order(a) ? b : a), undefined);
    }
    if (condition.kind !== "or") return undefined;
    const holding = condition.any.filter((one) => this.outcome(one) === true).map((one) => this.spentBudget(one));
    if (holding.includes(undefined)) return undefined;
    const spent = holding.filter((one) => one !== undefined);
    return spent.reduce<Budget | undefined>((a, b) => (a === undefined || order(b) > order(a) ? b : a), undefined);
  }

  /** Windows that are nearly used up. */
  warnings(): readonly BudgetWarning[] {
    return this.#windows.map((one) => warningOf(this.#question(one))).filter((one) => one !== undefined);
  }

  #leaf(condition: Exclude<Condition, { readonly kind: "and" | "or" | "not" }>): ReferenceOutcome {
    const { facts, history, policies, host } = this.#asked;
    const { call, run, actor } = facts;
    switch (condition.kind) {
      case "toolName":
        return compareTexts(condition, [call?.tool.name]);
      case "toolTag":
        return call !== undefined && holdsSet(condition, (tag) => call.tool.tags.includes(tag));
      case "toolArg":
        return comparePath(condition, condition.in === "result" ? call?.result : call?.args);
      case "context":
        return comparePath(condition, run.context);
      case "actor":
      case "enduserTag":
        return compareTexts(condition, [partyField(actor, condition.path)]);
      case "runTag":
        return compareTexts(condition, [Object.entries(run.tags).find(([tag]) => tag === condition.tag)?.[1]]);
      case "maxCalls":
      case "metricWindow":
        return compareWindow(this.#question(condition));
      case "sequence":
        return allOf([
          ...(condition.called ?? []).map((pattern) => this.#wasCalled(pattern)),
          ...(condition.notCalled ?? []).map((pattern) => !this.#wasCalled(pattern)),
        ]);
      case "executionTime":
        return compareDuration(condition, facts);
      case "timeGate":
        return compareTime(condition, facts);
      case "subject":
        return compareSubject(condition, facts);
      case "signal":
        return compareSignal(condition, facts);
      case "sensitiveData":
        return compareFindings(condition, facts, host);
      case "label": {
        const labels = labelsNow(policies, history);
        return holdsSet(condition, (label) => labels.has(label));
      }
      case "argFrom":
        return call === undefined ? ifMissing(condition.onMissing) : compareOrigins(condition, call.args, history);
      case "expr":
        return host.expression(condition.src, facts) ?? UNKNOWN_REASON;
      case "custom":
        return host.custom(condition.name) ?? UNKNOWN_REASON;
    }
  }

  #question(condition: WindowCondition): Parameters<typeof compareWindow>[0] {
    const { facts, history, rule, policyId } = this.#asked;
    return { condition, rule, policyId, index: this.#windows.indexOf(condition), facts, history };
  }

  #wasCalled(pattern: CallPattern): boolean {
    const { facts, history } = this.#asked;
    const sinceMs = pattern.withinSeconds === undefined ? -Infinity : facts.nowMs - pattern.withinSeconds * 1000;
    return history.calls.some(({ callId, tool, atMs, end }) => {
      if (tool === undefined || callId === facts.call?.callId || atMs < sinceMs || !selects(pattern, tool))
        return false;
      if (pattern.outcome === undefined) return true;
      return end !== undefined && (end.call?.error === undefined) === (pattern.outcome === "success");
    });
  }
}

/** The conditions that read windows, in reading order. */
function windowsOf(condition: Condition): readonly WindowCondition[] {
  if (condition.kind === "and") return condition.all.flatMap(windowsOf);
  if (condition.kind === "or") return condition.any.flatMap(windowsOf);
  if (condition.kind === "not") return windowsOf(condition.not);
  return condition.kind === "maxCalls" || condition.kind === "metricWindow" ? [condition] : [];
}

function holdsSet(
  sets: {
    readonly anyOf?: readonly string[] | undefined;
    readonly allOf?: readonly string[] | undefined;
    readonly noneOf?: readonly string[] | undefined;
  },
  isThere: (name: string) => boolean,
): boolean {
  return (
    (sets.anyOf?.some(isThere) ?? true) &&
    (sets.allOf?.every(isThere) ?? true) &&
    !(sets.noneOf?.some(isThere) ?? false)
  );
}

function partyField(actor: Actor | undefined, path: string): string | undefined {
  const names = path.split(".");
  const party = names[0] === "group" ? actor?.group : actor;
  const [field, key] = names[0] === "group" ? names.slice(1) : names;
  if (field === "metadata") return Object.entries(party?.metadata ?? {}).find(([name]) => name === key)?.[1];
  return field === "name" ? party?.name : party?.externalId;
}

function compareDuration(condition: Extract<Condition, { readonly kind: "executionTime" }>, facts: Facts): boolean {
  const isAfter = facts.phase.endsWith(".after");
  const call = isAfter ? (facts.call?.durationMs ?? facts.metrics?.["duration_ms"]) : undefined;
  const elapsedMs = condition.scope === "run" ? facts.nowMs - facts.run.startedAtMs : call;
  return elapsedMs !== undefined && compareOrder(condition.op, elapsedMs, condition.valueMs);
}

function compareTime(condition: Extract<Condition, { readonly kind: "timeGate" }>, facts: Facts): ReferenceOutcome {
  const { timezone } = condition;
  const zone = typeof timezone === "string" ? timezone : (partyField(facts.actor, timezone.actor) ?? timezone.fallback);
  if (zone === undefined) return ifMissing(condition.onMissing);
  try {
    const local = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    }).formatToParts(facts.nowMs);
    const part = (type: string): string => local.find((one) => one.type === type)?.value ?? "";
    const time = `${part("hour")}:${part("minute")}`;
    return condition.windows.some((window) => isInside(window, part("weekday").toLowerCase(), time));
  } catch {
    return UNKNOWN_REASON;
  }
}

const DAYS: readonly string[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function isInside({ days, start, end }: TimeWindow, day: string, time: string): boolean {
  const today = DAYS.indexOf(day);
  const opensOn = (offset: number): boolean => days.some((one) => one === DAYS[(today + offset + 7) % 7]);
  if (start === end) return opensOn(0);
  if (start < end) return opensOn(0) && time >= start && time < end;
  return (opensOn(0) && time >= start) || (opensOn(-1) && time < end);
}

function compareSubject(condition: Extract<Condition, { readonly kind: "subject" }>, facts: Facts): ReferenceOutcome {
  const { subjects } = facts;
  if (subjects === UNKNOWN) return UNKNOWN_REASON;
  const fitting = (subjects ?? []).filter(
    (subject) =>
      subject.subjectType === condition.subjectType &&
      (condition.role === undefined || subject.role === condition.role) &&
      (condition.idSystem === undefined || subject.idSystem === condition.idSystem),
  );
  return compareTexts(
    condition,
    fitting.map((subject) => subject.value),
  );
}

function compareSignal(condition: Extract<Condition, { readonly kind: "signal" }>, facts: Facts): ReferenceOutcome {
  const value = facts.signals?.get(condition.signal);
  if (value === UNKNOWN) return UNKNOWN_REASON;
  const isThere = value !== undefined && value !== null;
  if (condition.type === "any") return isThere === (condition.op === "exists");
  return isThere ? compare(condition, value) : ifMissing(condition.onMissing);
}

function compareFindings(
  condition: Extract<Condition, { readonly kind: "sensitiveData" }>,
  facts: Facts,
  host: ReferenceHost,
): ReferenceOutcome {
  const carried = {
    "tool.before": "args",
    "tool.after": "result",
    "llm.before": "messages",
    "llm.after": "response",
  } as const;
  const payload: unknown = {
    args: facts.call?.args,
    result: facts.call?.result,
    messages: facts.llm?.messages,
    response: facts.llm?.response,
  }[condition.in ?? carried[facts.phase]];
  const places = condition.path === undefined ? [payload] : placesAt(payload, condition.path);
  const count = places.reduce<number>((sum, place) => sum + findingsIn(place, host), 0);
  if (count >= (condition.min ?? 1)) return true;
  return places.includes(MISTYPED) ? UNKNOWN_REASON : false;
}

function findingsIn(value: unknown, host: ReferenceHost): number {
  if (typeof value === "string") return host.findings(value);
  if (typeof value !== "object" || value === null) return 0;
  const parts: readonly unknown[] = Object.values(value as Message | object);
  return parts.reduce<number>((sum, part) => sum + findingsIn(part, host), 0);
}
