import { type AuditEvent, auditEventSchema, EVENT_KINDS, parseValue } from "@handlebar/protocol";
import { type RowReading, wrongRow } from "./row-reading.ts";
import type { TrafficStart, TrafficStep } from "./traffic.ts";

/** Reads one audit event. Kinds that say nothing about calls have no steps. */
export function readEvent(row: Readonly<Record<string, unknown>>): RowReading {
  const kinds: readonly unknown[] = EVENT_KINDS;
  // A later SDK may write kinds that are not known here; they are about something else than calls.
  if (typeof row["kind"] === "string" && !kinds.includes(row["kind"])) return { ok: true, steps: [] };
  const parsed = parseValue(auditEventSchema, row);
  if (!parsed.ok) {
    const [issue] = parsed.issues;
    return wrongRow(`is no audit event: \`${issue?.path ?? ""}\` ${issue?.message ?? ""}`);
  }
  // The schema is that of an audit event; only its optional fields are typed more loosely.
  return { ok: true, steps: readStoredEvent(parsed.value as AuditEvent) };
}

/** What an event says that was checked against its schema before. */
export function readStoredEvent(event: AuditEvent): readonly TrafficStep[] {
  const steps = stepsOf(event);
  return steps.length === 0 || event.kind === "run.started" ? steps : [runOf(event), ...steps];
}

/** What every event says of its run: all there is where the run's start was not recorded. */
function runOf(event: AuditEvent): TrafficStart {
  return {
    kind: "start",
    isImplied: true,
    isLate: true,
    runId: event.runId,
    atMs: Date.parse(event.ts),
    agent: { slug: event.agentId },
    sessionId: event.sessionId,
    actor: event.actorExternalId === undefined ? undefined : { externalId: event.actorExternalId },
  };
}

function stepsOf(event: AuditEvent): readonly TrafficStep[] {
  const at = { runId: event.runId, atMs: Date.parse(event.ts) };
  switch (event.kind) {
    case "run.started":
      return startOf(event, at);
    case "message.raw.created": {
      const { role, content } = event.data;
      return [{ kind: "message", ...at, message: { role, content }, isIncomplete: isMasked(event) }];
    }
    case "tool.decision":
      return [callOf(event, at)];
    case "tool.result": {
      const { callId, tool, result, error, metrics, decision } = event.data;
      const { name, tags = [], kind: toolKind } = tool;
      // A result that was withheld is not recorded either.
      const read = { isExceeded: false, isIncomplete: isMasked(event) || decision?.verdict === "BLOCK" };
      return [{ kind: "result", ...at, callId, tool: name, toolKind, tags, result, ...read, error, metrics }];
    }
    case "llm.decision": {
      const { callId, model, verdict, cause } = event.data;
      return [{ kind: "llm", ...at, callId, model, recorded: { verdict, cause } }];
    }
    case "llm.result": {
      const { callId, model, metrics, decision } = event.data;
      return [{ kind: "llmResult", ...at, callId, model, metrics, isIncomplete: decision?.verdict === "BLOCK" }];
    }
    case "events.dropped":
      return [{ kind: "lost", ...at, count: event.data.counts.reduce((sum, one) => sum + one.count, 0) }];
    case "run.ended":
      return [{ kind: "end", ...at }];
    default:
      return [];
  }
}

type Where = Pick<TrafficStep, "runId" | "atMs">;

function startOf(event: AuditEvent<"run.started">, at: Where): readonly TrafficStep[] {
  const { agent, actor, tags, context, prompt } = event.data;
  const { sessionId } = event;
  const start: TrafficStart = { kind: "start", isImplied: false, ...at, agent, actor, sessionId, tags, context };
  return prompt === undefined ? [start] : [start, { kind: "prompt", ...at, text: prompt }];
}

function callOf(event: AuditEvent<"tool.decision">, at: Where): TrafficStep {
  const { callId, tool, args, subjects, verdict, cause } = event.data;
  return {
    kind: "call",
    ...at,
    callId,
    step: event.stepIndex,
    tool: tool.name,
    toolKind: tool.kind,
    tags: tool.tags ?? [],
    args: args ?? {},
    isExceeded: false,
    isIncomplete: args === undefined || isMasked(event),
    subjects,
    recorded: { verdict, cause },
  };
}

/** Something of what the event carries was masked, cut or left out when it was recorded. */
function isMasked({ redaction }: AuditEvent): boolean {
  if (redaction === undefined) return false;
  const { findings = {}, truncated = {}, omitted = [] } = redaction;
  return Object.keys(findings).length + Object.keys(truncated).length + omitted.length > 0;
}
