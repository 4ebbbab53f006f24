import { timeInId } from "./event-time.ts";
import type { EventRow } from "./events-table.ts";
import type { EventTableRow } from "./schema.ts";

/** Characters of a tool's name that can be searched for: what is registered is no longer, and an index has no room for a model's whole novel. */
const TOOL_LENGTH_MAX = 256;

/**
 * An event's columns, in the order in which both databases insert them.
 * @throws Error when the id is not a UUIDv7: whoever takes events in refuses such before.
 */
export function toEventTableRow(row: EventRow): EventTableRow {
  return {
    workspace_id: row.workspaceId,
    event_id: row.eventId,
    run_id: row.runId,
    seq: row.seq,
    agent: row.agent,
    session_id: row.sessionId ?? null,
    actor_external_id: row.actorExternalId ?? null,
    kind: row.kind,
    ts_ms: timeOf(row),
    tool: row.tool?.slice(0, TOOL_LENGTH_MAX) ?? null,
    verdict: row.verdict ?? null,
    cause: row.cause ?? null,
    rule_id: row.ruleId ?? null,
    json: row.json,
  };
}

/** The time in an event's id. */
export function timeOf({ eventId }: Pick<EventRow, "eventId">): number {
  const timeMs = timeInId(eventId);
  if (eventId.length === 36 && eventId[14] === "7" && Number.isFinite(timeMs)) return timeMs;
  throw new Error(`event id \`${eventId}\` is not a UUIDv7 in lower case`);
}
