import { type AuditEvent, auditEventSchema, type HandlebarErrorCode, parseValue } from "@handlebar/protocol";
import { EVENT_AHEAD_MS_MAX, EVENT_LENGTH_MAX, EVENT_MESSAGE_LENGTH_MAX } from "../limits.ts";
import type { EventRow } from "../storage/events-table.ts";
import { shadowOf } from "./shadow-outcomes.ts";

/** Why one event was not taken. */
export interface EventRefusal {
  readonly code: HandlebarErrorCode;
  /** Names the field, and says what to do. */
  readonly message: string;
}

export type ReadEvent = { readonly ok: true; readonly row: EventRow } | ({ readonly ok: false } & EventRefusal);

/** One event of a batch, as it came, as the row that is stored. */
export function readEvent(raw: unknown, { workspaceId, nowMs }: { workspaceId: string; nowMs: number }): ReadEvent {
  const parsed = auditEventSchema.safeParse(raw);
  if (!parsed.success) return refused(firstIssueOf(raw));
  // The schema is the union of all kinds, which the type names one by one.
  const event = parsed.data as AuditEvent;
  const eventId = event.eventId.toLowerCase();
  const atMs = timeOf(eventId);
  if (atMs === undefined) return refused("`eventId` is not a UUIDv7; make ids that begin with the time");
  if (atMs > nowMs + EVENT_AHEAD_MS_MAX) return refused("`eventId` lies more than a day ahead; correct the clock");
  if (Math.abs(Date.parse(event.ts) - atMs) > EVENT_AHEAD_MS_MAX) {
    return refused("`ts` is more than a day from the time in `eventId`; make both when the event happens");
  }
  const json = JSON.stringify(eventId === event.eventId ? raw : { ...event, eventId });
  if (json.length > EVENT_LENGTH_MAX) return refused(`is longer than ${EVENT_LENGTH_MAX} characters; send less of it`);
  return { ok: true, row: rowOf(event, { workspaceId, eventId, json }) };
}

/** The columns of an event that has its form. */
export function rowOf(
  event: AuditEvent,
  { workspaceId, eventId, json }: { readonly workspaceId: string; readonly eventId: string; readonly json: string },
): EventRow {
  return {
    workspaceId,
    eventId,
    runId: event.runId,
    seq: event.seq,
    agent: event.agentId,
    sessionId: event.sessionId,
    actorExternalId: event.actorExternalId,
    kind: event.kind,
    json,
    ...NO_COLUMNS,
    ...columnsOf(event),
    shadow: shadowOf(event),
  };
}

type Columns = Pick<EventRow, "tool" | "verdict" | "cause" | "ruleId" | "dropped" | "runStart" | "runEnd">;

const NO_COLUMNS: Columns = {
  tool: undefined,
  verdict: undefined,
  cause: undefined,
  ruleId: undefined,
  dropped: [],
  runStart: undefined,
  runEnd: undefined,
};

function columnsOf(event: AuditEvent): Partial<Columns> {
  switch (event.kind) {
    case "run.started": {
      const { actor, model, tags = {} } = event.data;
      return { runStart: { actor, model, tags } };
    }
    case "run.ended":
      return { runEnd: event.data.status };
    case "tool.decision": {
      const { tool, verdict, cause, finalRuleId } = event.data;
      return { tool: tool.name, verdict, cause: cause.kind, ruleId: finalRuleId };
    }
    case "llm.decision": {
      const { verdict, cause, finalRuleId } = event.data;
      return { verdict, cause: cause.kind, ruleId: finalRuleId };
    }
    case "tool.result":
      return { tool: event.data.tool.name };
    case "approval.requested":
      return { tool: event.data.approval.tool, ruleId: event.data.approval.ruleId };
    case "events.dropped":
      return { dropped: event.data.ranges.filter(({ from, to }) => from <= to) };
    default:
      return {};
  }
}

const TIMED_ID = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The epoch milliseconds in a UUIDv7. */
function timeOf(eventId: string): number | undefined {
  const parts = TIMED_ID.exec(eventId);
  return parts === null ? undefined : Number.parseInt(`${parts[1]}${parts[2]}`, 16);
}

/** What is wrong first, in the protocol's words; asked only of what the schema refused, since it costs more. */
function firstIssueOf(raw: unknown): string {
  const parsed = parseValue(auditEventSchema, raw);
  if (parsed.ok) return "cannot be read";
  const [issue] = parsed.issues;
  return issue === undefined || issue.path === ""
    ? (issue?.message ?? "cannot be read")
    : `\`${issue.path}\` ${issue.message}`;
}

function refused(message: string): ReadEvent {
  return { ok: false, code: "HB_EVENT_INVALID", message: message.slice(0, EVENT_MESSAGE_LENGTH_MAX) };
}
