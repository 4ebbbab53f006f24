import { type AuditEvent, EVENT_SCHEMA, type EventKind, type JsonObject, type JsonValue } from "@handlebar/protocol";
import { EVENT_BOUNDS } from "./event-bounds.ts";
import { fitJson, jsonSizeBytes, shareRoom } from "./fit-json.ts";
import { safeJson, UNSERIALISABLE } from "./safe-json.ts";
import { utf8SizeBytes } from "./utf8.ts";

/** What accounting needs to know of an event. */
export interface EventRef {
  readonly eventId: string;
  readonly runId: string;
  /** The agent's slug. */
  readonly agentId: string;
  readonly sessionId?: string | undefined;
  readonly seq: number;
  readonly kind: EventKind;
}

/** An event as it leaves the process: fixed at the moment it was written, whatever the agent does to its values later. */
export interface SerialisedEvent extends EventRef {
  /** One line of JSON. */
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly sizeBytes: number;
}

/**
 * Turns an event into one line of JSON; never throws. What plain JSON refuses is written within bounds (BigInt as text,
 * circular and deep values marked); a field of `data` that throws when read becomes a marker and is named in
 * `redaction.omitted`; an event above `sizeBytesMax` (default 256 KiB) has its largest fields cut, and `redaction.truncated` holds
 * their size before. An event that cannot be written at all becomes an `error` event, `HB_EVENT_UNSERIALISABLE`, with the same
 * `eventId` and `seq`, so that its run keeps no gap.
 */
export function serialiseEvent(
  event: AuditEvent,
  sizeBytesMax: number = EVENT_BOUNDS.eventSizeBytesMax,
): SerialisedEvent {
  const whole = wholeText(event);
  const text = whole === undefined ? undefined : fitEventText(whole, sizeBytesMax);
  return withText(event, text) ?? stub(event);
}

/** The same event within a smaller bound; `undefined` when it cannot be made to fit or is within it already. */
export function shrinkEvent(event: SerialisedEvent, sizeBytesMax: number): SerialisedEvent | undefined {
  if (event.sizeBytes <= sizeBytesMax) return undefined;
  const text = fitEventText(event.text, sizeBytesMax);
  return withText(event, text);
}

/** Reads what accounting needs; written out field by field, since this runs for each event. */
function withText(event: EventRef, text: string | undefined): SerialisedEvent | undefined {
  if (text === undefined) return undefined;
  try {
    const { eventId, runId, agentId, sessionId, seq, kind } = event;
    return { eventId, runId, agentId, sessionId, seq, kind, text, sizeBytes: utf8SizeBytes(text) };
  } catch {
    return undefined;
  }
}

function wholeText(event: AuditEvent): string | undefined {
  try {
    return JSON.stringify(event);
  } catch {
    return textByFields(event);
  }
}

/** Writes the envelope, then each field of `data` alone, so that one bad value costs only itself. */
function textByFields(event: AuditEvent): string | undefined {
  try {
    const { data, redaction, ...envelope } = event;
    const omitted: string[] = [...(redaction?.omitted ?? [])];
    const fields: string[] = [];
    for (const key of Object.keys(data)) {
      const { text, complete } = fieldJson(data, key);
      if (!complete) omitted.push(key);
      if (text !== undefined) fields.push(`${JSON.stringify(key)}:${text}`);
    }
    const marked = omitted.length === 0 ? redaction : { ...redaction, omitted };
    const head = JSON.stringify({ ...envelope, ...(marked === undefined ? {} : { redaction: marked }) });
    return `${head.slice(0, -1)},"data":{${fields.join(",")}}}`;
  } catch {
    return undefined;
  }
}

function fieldJson(data: object, key: string): ReturnType<typeof safeJson> {
  try {
    return safeJson(Reflect.get(data, key), 1);
  } catch {
    return { text: JSON.stringify(UNSERIALISABLE), complete: false };
  }
}

/** Cuts the largest fields of `data` until the event fits. */
function fitEventText(text: string, sizeBytesMax: number): string | undefined {
  if (text.length * 3 <= sizeBytesMax || utf8SizeBytes(text) <= sizeBytesMax) return text;
  const event = parseObject(text);
  const data = event?.["data"];
  if (event === undefined || !isObject(data)) return undefined;
  const entries = Object.entries(data);
  const sizes = entries.map(([key, value]) => jsonSizeBytes(value) + jsonSizeBytes(key) + 2);
  const overheadBytes = jsonSizeBytes({ ...event, data: {} }) + truncatedSizeBytesMax(entries.map(([key]) => key));
  // Scalars are never cut and can push a cut field some bytes over: the second and third try leave more room.
  for (const share of [1, 0.75, 0.5]) {
    const rooms = shareRoom(sizes, (sizeBytesMax - overheadBytes) * share);
    const fitted = JSON.stringify(cutFields(event, { entries, sizes, rooms }));
    if (utf8SizeBytes(fitted) <= sizeBytesMax) return fitted;
  }
  return undefined;
}

interface FieldRooms {
  readonly entries: readonly (readonly [string, JsonValue])[];
  readonly sizes: readonly number[];
  readonly rooms: readonly number[];
}

function cutFields(event: JsonObject, { entries, sizes, rooms }: FieldRooms): JsonObject {
  const truncated: Record<string, number> = {};
  const data = entries.map(([key, value], index) => {
    const size = sizes[index] ?? 0;
    const room = rooms[index] ?? 0;
    if (size <= room) return [key, value] as const;
    const overhead = jsonSizeBytes(key) + 2;
    truncated[key] = size - overhead;
    return [key, fitJson(value, room - overhead)] as const;
  });
  const redaction = isObject(event["redaction"]) ? event["redaction"] : {};
  const before = isObject(redaction["truncated"]) ? redaction["truncated"] : {};
  return {
    ...event,
    redaction: { ...redaction, truncated: { ...truncated, ...before } },
    data: Object.fromEntries(data),
  };
}

function truncatedSizeBytesMax(keys: readonly string[]): number {
  const entryBytes = keys.reduce((sum, key) => sum + jsonSizeBytes(key) + 12, 0);
  return entryBytes + '"redaction":{"truncated":{}},'.length;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An event of kind `error` in the place of one that cannot be written; accounted for under the kind it had. */
function stub(event: AuditEvent): SerialisedEvent {
  const [eventId, runId, agentId, ts, kind] = STUB_FIELDS.map((key) => {
    const value = readField(event, key);
    return typeof value === "string" ? value : "";
  });
  const seq = readField(event, "seq");
  const envelope = {
    eventId: eventId ?? "",
    seq: typeof seq === "number" ? seq : 0,
    runId: runId ?? "",
    agentId: agentId ?? "",
  };
  const text = JSON.stringify({
    schema: EVENT_SCHEMA,
    ...envelope,
    ts,
    kind: "error",
    data: {
      code: "HB_EVENT_UNSERIALISABLE",
      scope: "event",
      message: `an event of kind \`${kind}\` has no JSON form within the bounds`,
    },
  });
  // What the event called itself: the type holds for every event that a client makes.
  return { ...envelope, kind: (kind ?? "") as EventKind, text, sizeBytes: utf8SizeBytes(text) };
}

const STUB_FIELDS = ["eventId", "runId", "agentId", "ts", "kind"] as const;

function readField(event: AuditEvent, key: keyof AuditEvent): unknown {
  try {
    return event[key];
  } catch {
    return undefined;
  }
}
