import type { AuditEvent, EventData, EventKind } from "@handlebar/protocol";
import { sampleEvent } from "@handlebar/testing";

export interface RecordOptions {
  readonly runCount: number;
  readonly startMs: number;
  /** Between the beginnings of two runs. Default a minute. */
  readonly stepMs?: number;
}

/**
 * What agent `support` did: each run looks something up, and sends. Runs belong to the actors `u1` and `u2` in turn, and each to a session of its own:
 * `s1`, `s2` ...
 */
export function recordedEvents({ runCount, startMs, stepMs = 60_000 }: RecordOptions): readonly AuditEvent[] {
  return Array.from({ length: runCount }, (_, at) => runEvents(at, startMs + at * stepMs)).flat();
}

function runEvents(run: number, startMs: number): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  const add = <K extends EventKind>(kind: K, data: Partial<EventData<K>>): void => {
    const seq = events.length;
    const atMs = startMs + seq;
    const ids = { eventId: idAt(atMs, run), sessionId: `s${run + 1}`, actorExternalId: `u${(run % 2) + 1}` };
    const event = { ...sampleEvent(kind, { runId: `run-${run + 1}`, seq, data }), ...ids };
    // One of the kinds, as it stands.
    events.push({ ...event, ts: new Date(atMs).toISOString() } as AuditEvent);
  };
  add("run.started", { agent: { slug: "support" } });
  for (const name of ["look", "send"]) {
    const call = { callId: `${name}-${run}`, tool: { name } };
    add("tool.decision", { ...call, args: { run }, verdict: "ALLOW", control: "CONTINUE", cause: { kind: "ALLOW" } });
    add("tool.result", { ...call, outcome: "success", result: "ok" });
  }
  add("run.ended", { status: "success" });
  return events;
}

/** A UUIDv7 of that time. */
function idAt(atMs: number, number: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`;
}
