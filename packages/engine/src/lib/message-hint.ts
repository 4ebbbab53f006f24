import type { CallPattern, MaxCallsCondition, MetricWindowCondition, TimeGateCondition } from "@handlebar/protocol";
import type { CompiledCondition } from "./conditions/compiled-condition.ts";
import type { Frame } from "./frame.ts";
import { isLiteralGlob } from "./glob.ts";
import { argumentHint, typeHint } from "./message-argument.ts";
import { FALSE, TRUE, UNKNOWN_OUTCOME } from "./outcome.ts";

/** Hints in one message. */
const HINT_COUNT_MAX = 3;

/** What would keep a condition from holding, in words; `undefined` where the condition does not show it. */
export function hintOf(condition: CompiledCondition | undefined, frame: Frame): string | undefined {
  return condition === undefined ? undefined : hint(condition, frame, false);
}

/** @param wanted whether the condition should hold, or should not. */
function hint(condition: CompiledCondition, frame: Frame, wanted: boolean): string | undefined {
  const { kind, children } = condition;
  if (kind === "and" || kind === "or") {
    const oneSuffices = (kind === "and") !== wanted;
    return oneSuffices ? firstHint(children, frame, wanted) : allHints(children, frame, wanted);
  }
  const [inner] = children;
  return inner === undefined ? leafHint(condition, frame, wanted) : hint(inner, frame, !wanted);
}

function firstHint(children: readonly CompiledCondition[], frame: Frame, wanted: boolean): string | undefined {
  for (const child of children) {
    const text = hint(child, frame, wanted);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Half of what is needed would mislead, so it is all or nothing. */
function allHints(children: readonly CompiledCondition[], frame: Frame, wanted: boolean): string | undefined {
  const hints: string[] = [];
  for (const child of children) {
    if (child.eval(frame) === (wanted ? TRUE : FALSE)) continue;
    const text = hint(child, frame, wanted);
    if (text === undefined) return undefined;
    hints.push(text);
  }
  return hints.length === 0 || hints.length > HINT_COUNT_MAX ? undefined : hints.join(", and ");
}

function leafHint(leaf: CompiledCondition, frame: Frame, wanted: boolean): string | undefined {
  const condition = leaf.source;
  const outcome = leaf.eval(frame);
  const isBefore = frame.facts.phase === "tool.before";
  if (condition.kind === "toolArg" && isBefore && condition.in !== "result") {
    if (outcome === UNKNOWN_OUTCOME) return typeHint(condition, frame);
    return outcome === (wanted ? FALSE : TRUE) ? argumentHint(condition, wanted) : undefined;
  }
  if (outcome !== (wanted ? FALSE : TRUE)) return undefined;
  switch (condition.kind) {
    case "maxCalls":
      return wanted ? undefined : callLimit(condition);
    case "metricWindow":
      return wanted ? undefined : metricLimit(condition);
    case "timeGate":
      return wanted ? `it is allowed ${windowsOf(condition)}` : `it is not allowed ${windowsOf(condition)}`;
    case "sequence":
      return wanted ? undefined : callFirst(condition.notCalled);
    default:
      return undefined;
  }
}

function callLimit({ max, windowSeconds }: MaxCallsCondition): string {
  const calls = max === 1 ? "1 call is" : `${max} calls are`;
  return `at most ${calls} allowed ${windowOf(windowSeconds)}`;
}

function metricLimit({ op, aggregate, metric, value, windowSeconds }: MetricWindowCondition): string | undefined {
  if (op !== "gt" && op !== "gte") return undefined;
  const bound = op === "gt" ? "at most" : "less than";
  return `the ${aggregate} of \`${metric}\` may be ${bound} ${value} ${windowOf(windowSeconds)}`;
}

function windowOf(windowSeconds: number | undefined): string {
  return windowSeconds === undefined ? "in one run" : `in ${windowSeconds} seconds`;
}

function windowsOf({ windows, timezone }: TimeGateCondition): string {
  const spans = windows.slice(0, HINT_COUNT_MAX).map(({ days, start, end }) => `${days.join(" ")} ${start}-${end}`);
  const zone = typeof timezone === "string" ? ` (${timezone})` : "";
  return `${spans.join(", ")}${windows.length > HINT_COUNT_MAX ? ", ..." : ""}${zone}`;
}

function callFirst(patterns: readonly CallPattern[] | undefined): string | undefined {
  const name = patterns?.[0]?.name;
  const first = typeof name === "string" ? name : name?.[0];
  return first === undefined || !isLiteralGlob(first) ? undefined : `call \`${first}\` first`;
}
