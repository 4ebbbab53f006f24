import type { CallFacts } from "@handlebar/engine";
import type { Decision, EventData, Metrics, Subject } from "@handlebar/protocol";
import { capture, mergeRedactions } from "./capture.ts";
import type { CaptureLevel } from "./config.ts";
import { type DecidedBy, recorded } from "./decided-by.ts";
import type { EventContent } from "./event-writer.ts";
import { shownDecision } from "./shown-decision.ts";

/** What there is to say of a call that was decided. */
interface DecidedCall {
  readonly facts: CallFacts;
  /** As they were given. */
  readonly args: unknown;
  readonly stepIndex: number;
  readonly subjects: readonly Subject[] | undefined;
  readonly decision: Decision;
  readonly by: DecidedBy;
  readonly decisionMs: number;
}

/** @param level of arguments. */
export function toolDecisionEvent(
  { facts, args, stepIndex, subjects, decision, by, decisionMs }: DecidedCall,
  level: CaptureLevel,
): EventContent<"tool.decision"> {
  const shown = capture("args", args, level);
  const told = shownDecision(decision, (instead) => capture("instead", instead, level));
  const data: EventData<"tool.decision"> = {
    ...told.decision,
    callId: facts.callId,
    tool: toolRef(facts),
    ...(shown.value === undefined ? {} : { args: shown.value }),
    ...(subjects === undefined ? {} : { subjects: [...subjects] }),
    ...by,
    decisionMs,
  };
  return { data, stepIndex, redaction: mergeRedactions([shown, ...told.captured]) };
}

/** What there is to say of a call that ended. */
interface FinishedCall {
  readonly facts: CallFacts;
  readonly metrics: Metrics;
  readonly decision: Decision;
  readonly by: DecidedBy;
  /** What is handed out. */
  readonly result: unknown;
  readonly labelsAdded: readonly string[];
}

/** @param level of results. */
export function toolResultEvent(finished: FinishedCall, level: CaptureLevel): EventContent<"tool.result"> {
  const { facts, metrics, decision, by, labelsAdded } = finished;
  const shown = capture("result", finished.result, level);
  const data: EventData<"tool.result"> = {
    callId: facts.callId,
    tool: toolRef(facts),
    outcome: facts.error === undefined ? "success" : "error",
    metrics: { ...metrics },
    ...(shown.value === undefined ? {} : { result: shown.value }),
    ...(facts.error === undefined ? {} : { error: shownError(facts.error, level) }),
    ...(labelsAdded.length === 0 ? {} : { labelsAdded: [...labelsAdded] }),
    ...recorded(decision, by),
  };
  return { data, redaction: mergeRedactions([shown]) };
}

/** An error's text is a payload too: it may quote what the tool read. */
export function shownError(
  error: NonNullable<CallFacts["error"]>,
  level: CaptureLevel,
): { name?: string; message: string } {
  const message = capture("error", error.message, level).value;
  return {
    ...(error.name === undefined ? {} : { name: error.name }),
    message: typeof message === "string" ? message : "[omitted]",
  };
}

function toolRef(facts: CallFacts): { name: string; tags?: string[]; kind?: string } {
  const { name, tags, kind } = facts.tool;
  return {
    name,
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
    ...(kind === undefined ? {} : { kind }),
  };
}
