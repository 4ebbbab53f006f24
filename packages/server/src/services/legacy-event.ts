import { createHash } from "node:crypto";
import { type AuditEvent, auditEventSchema, EVENT_SCHEMA, type EventKind } from "@handlebar/protocol";
import { EVENT_LENGTH_MAX } from "../limits.ts";
import { type ReadEvent, rowOf } from "./event-row.ts";
import { legacyData } from "./legacy-event-data.ts";

/** The sequence number of an event that came without one. */
const NO_SEQ = -1;

/** An event as clients of the first protocol send it: without an id and without a number. */
interface LegacyEvent {
  readonly schema: typeof EVENT_SCHEMA;
  readonly ts: string;
  readonly runId: string;
  readonly kind: string;
  readonly sessionId?: unknown;
  readonly actorExternalId?: unknown;
  readonly stepIndex?: unknown;
  readonly data: Readonly<Record<string, unknown>>;
}

export function isLegacyEvent(value: unknown): value is LegacyEvent {
  if (typeof value !== "object" || value === null || "eventId" in value || "seq" in value) return false;
  const { schema, ts, runId, kind, data } = value as Readonly<Record<string, unknown>>;
  const isNamed = schema === EVENT_SCHEMA && typeof runId === "string" && typeof kind === "string";
  return isNamed && typeof ts === "string" && typeof data === "object" && data !== null && !Array.isArray(data);
}

/**
 * Events of older clients in today's form. Their ids come from what they say, so that a batch that is sent again is known; of two events of a batch
 * that say the same, each is one.
 */
export function readLegacyEvents(
  events: readonly LegacyEvent[],
  world: { readonly workspaceId: string; readonly nowMs: number; readonly agent: string },
): readonly ReadEvent[] {
  const seen = new Map<string, number>();
  return events.map((event) => {
    const text = JSON.stringify(event);
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    return readOne(event, { ...world, identity: `${world.agent}\n${count}\n${text}` });
  });
}

function readOne(
  event: LegacyEvent,
  {
    workspaceId,
    nowMs,
    agent,
    identity,
  }: { readonly workspaceId: string; readonly nowMs: number; readonly agent: string; readonly identity: string },
): ReadEvent {
  const atMs = Date.parse(event.ts);
  if (!Number.isFinite(atMs)) return refused("`ts` is not a time; use ISO 8601");
  const eventId = timedIdOf(identity, Math.min(Math.max(0, atMs), nowMs));
  const { sessionId, actorExternalId, stepIndex } = event;
  const data = legacyData(event.kind, event.data, { agent, callId: eventId });
  if (data === undefined) return refused("`kind` is not one that is known");
  const parsed = auditEventSchema.safeParse({
    schema: EVENT_SCHEMA,
    eventId,
    seq: 0,
    ts: new Date(atMs).toISOString(),
    agentId: agent,
    runId: event.runId,
    ...(typeof sessionId === "string" && sessionId !== "" ? { sessionId } : {}),
    ...(typeof actorExternalId === "string" && actorExternalId !== "" ? { actorExternalId } : {}),
    ...(typeof stepIndex === "number" ? { stepIndex } : {}),
    kind: event.kind,
    data,
  });
  if (!parsed.success) return refused(`\`${parsed.error.issues[0]?.path.join(".") ?? ""}\` is not as its kind has it`);
  // The schema is the union of all kinds, which the type names one by one; the number says that there is none.
  const read = { ...parsed.data, seq: NO_SEQ } as AuditEvent<EventKind>;
  const json = JSON.stringify(read);
  if (json.length > EVENT_LENGTH_MAX) return refused("is too long; send less of it");
  return { ok: true, row: rowOf(read, { workspaceId, eventId, json }) };
}

/** A UUIDv7 of this time whose other digits come from a text: the same for the same. */
function timedIdOf(text: string, atMs: number): string {
  const time = Math.trunc(atMs).toString(16).padStart(12, "0");
  const digest = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(digest.charAt(3), 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}

function refused(message: string): ReadEvent {
  return { ok: false, code: "HB_EVENT_INVALID", message };
}
