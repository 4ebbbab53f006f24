import type { AuditEvent } from "@handlebar/protocol";
import { serialiseEvent } from "../events/serialise-event.ts";
import type { Sink } from "../sink.ts";

/** The part of a log record of OpenTelemetry's Logs API that is set. */
export interface OtelLogRecord {
  readonly eventName: string;
  readonly timestamp: Date;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** The part of OpenTelemetry's `Logger` that is used; any object with this method fits. */
export interface OtelLogger {
  emit(record: OtelLogRecord): void;
}

const INFO = { severityNumber: 9, severityText: "INFO" } as const;
const WARN = { severityNumber: 13, severityText: "WARN" } as const;
const ERROR = { severityNumber: 17, severityText: "ERROR" } as const;

/**
 * Emits each event as a log record through the user's own logger, for example `logs.getLogger("handlebar")` of
 * `@opentelemetry/api-logs`: event name `handlebar.<kind>`, the event's JSON as body, its ids as attributes.
 *
 * Best effort: OpenTelemetry's processors drop records in an outage and do not say how many. Keep an HTTP or file sink beside it
 * where the audit trail must be complete.
 */
export function otelSink(options: { readonly logger: OtelLogger }): Sink {
  const { logger } = options;
  return { name: "otel", write: (event) => logger.emit(toRecord(event)) };
}

function toRecord(event: AuditEvent): OtelLogRecord {
  return {
    eventName: `handlebar.${event.kind}`,
    timestamp: new Date(event.ts),
    ...severity(event),
    body: serialiseEvent(event).text,
    attributes: {
      "handlebar.event_id": event.eventId,
      "handlebar.seq": event.seq,
      "handlebar.agent": event.agentId,
      "handlebar.run_id": event.runId,
      ...optional("handlebar.session_id", event.sessionId),
      ...optional("handlebar.actor", event.actorExternalId),
      ...optional("trace_id", event.otel?.traceId),
      ...optional("span_id", event.otel?.spanId),
      ...kindAttributes(event),
    },
  };
}

function kindAttributes(event: AuditEvent): OtelLogRecord["attributes"] {
  switch (event.kind) {
    case "tool.decision":
      return { "handlebar.tool": event.data.tool.name, ...decisionAttributes(event.data) };
    case "llm.decision":
      return decisionAttributes(event.data);
    case "tool.result":
      return { "handlebar.tool": event.data.tool.name, "handlebar.outcome": event.data.outcome };
    case "llm.result":
      return { "handlebar.outcome": event.data.outcome };
    case "run.ended":
      return { "handlebar.run_status": event.data.status };
    case "error":
      return { "handlebar.code": event.data.code };
    default:
      return {};
  }
}

function decisionAttributes(data: AuditEvent<"tool.decision" | "llm.decision">["data"]): OtelLogRecord["attributes"] {
  return {
    "handlebar.verdict": data.verdict,
    "handlebar.control": data.control,
    "handlebar.cause": data.cause.kind,
    ...optional("handlebar.rule", data.finalRuleId),
  };
}

function severity(event: AuditEvent): typeof INFO | typeof WARN | typeof ERROR {
  switch (event.kind) {
    case "tool.decision":
    case "llm.decision":
      return event.data.verdict === "BLOCK" ? WARN : INFO;
    case "lockdown.applied":
    case "events.dropped":
      return WARN;
    case "error":
      return ERROR;
    default:
      return INFO;
  }
}

function optional(key: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [key]: value };
}
