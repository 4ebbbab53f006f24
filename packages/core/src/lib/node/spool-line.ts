import type { EventKind } from "@handlebar/protocol";
import type { SerialisedEvent } from "../events/serialise-event.ts";
import { utf8SizeBytes } from "../events/utf8.ts";

/** Reads one line of a segment; undefined when it is not a whole event. */
export function parseSpoolLine(text: string): SerialisedEvent | undefined {
  const event = parseObject(text);
  if (event === undefined) return undefined;
  const { eventId, runId, agentId, sessionId, seq, kind } = event;
  if (typeof eventId !== "string" || typeof runId !== "string" || typeof agentId !== "string") return undefined;
  if (typeof seq !== "number" || typeof kind !== "string") return undefined;
  return {
    eventId,
    runId,
    agentId,
    ...(typeof sessionId === "string" ? { sessionId } : {}),
    seq,
    // A kind of a newer version is delivered like any other.
    kind: kind as EventKind,
    text,
    sizeBytes: utf8SizeBytes(text),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Any object can be read by key.
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
