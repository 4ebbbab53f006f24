import type { EventKind } from "@handlebar/protocol";

/** How much an event is worth when not all can be kept: 0 leaves first. */
export type EventValue = 0 | 1 | 2;

export const MUST_KEEP: EventValue = 2;

const VALUES: Readonly<Record<EventKind, EventValue>> = {
  "message.raw.created": 0,
  "tool.result": 1,
  "llm.result": 1,
  error: 1,
  "run.started": 2,
  "tool.decision": 2,
  "llm.decision": 2,
  "approval.requested": 2,
  "approval.resolved": 2,
  "lockdown.applied": 2,
  "policy.applied": 2,
  "events.dropped": 2,
  "run.ended": 2,
};

/** Messages are worth less than results, and results less than what explains a run. */
export function eventValue(kind: EventKind): EventValue {
  return VALUES[kind] ?? 1;
}
