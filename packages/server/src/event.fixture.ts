import type { AuditEvent, EventData, EventKind } from "@handlebar/protocol";
import { sampleEvent } from "@handlebar/testing";
import { uuidv7obj } from "uuidv7";

/** An event of now, as a client of agent `support` would send it. */
export function eventOf<K extends EventKind>(
  kind: K,
  options: { readonly runId?: string; readonly seq?: number; readonly data?: Partial<EventData<K>> } = {},
): AuditEvent<K> {
  return { ...sampleEvent(kind, options), eventId: uuidv7obj().toString(), ts: new Date().toISOString() };
}
