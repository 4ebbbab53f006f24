import { type AuditEvent, auditEventSchema, type IngestResult, parseValue } from "@handlebar/protocol";

/** Sequence numbers of a run that never arrived and that no `events.dropped` explains; both ends are included. */
export interface SequenceGap {
  readonly runId: string;
  readonly from: number;
  readonly to: number;
}

/** What a test says about one event: refuse it, ask for it again, or take it (`undefined`). */
export type EventJudge = (event: AuditEvent) => "rejected" | "retry" | undefined;

/** A store of events that keeps each once, by `eventId`. */
export class EventBook {
  readonly #byId = new Map<string, AuditEvent>();
  judge: EventJudge = () => undefined;
  duplicateCount = 0;
  rejectedCount = 0;

  /** In the order in which they arrived first. */
  get events(): readonly AuditEvent[] {
    return [...this.#byId.values()];
  }

  /** Takes one event; answers what is to be said of it, `undefined` for one simply taken. */
  take(raw: unknown): IngestResult | undefined {
    const parsed = parseValue(auditEventSchema, raw);
    const eventId = idOf(raw);
    if (!parsed.ok) {
      this.rejectedCount++;
      const [issue] = parsed.issues;
      return {
        eventId,
        status: "rejected",
        code: "HB_API_REJECTED",
        message: `${issue?.path ?? ""} ${issue?.message ?? ""}`.trim(),
      };
    }
    // The schema is the union of all kinds, which the type names one by one.
    const event = parsed.value as AuditEvent;
    const judged = this.judge(event);
    if (judged === "rejected") this.rejectedCount++;
    if (judged !== undefined) return { eventId, status: judged };
    if (this.#byId.has(eventId)) {
      this.duplicateCount++;
      return { eventId, status: "duplicate" };
    }
    this.#byId.set(eventId, event);
    return undefined;
  }

  /** What is missing of each run, up to the highest number that was seen or reported as dropped. */
  gaps(): readonly SequenceGap[] {
    const known = new Map<string, Set<number>>();
    const add = (runId: string, from: number, to: number): void => {
      const numbers = known.get(runId) ?? new Set<number>();
      known.set(runId, numbers);
      for (let seq = from; seq <= to; seq++) numbers.add(seq);
    };
    for (const event of this.#byId.values()) {
      add(event.runId, event.seq, event.seq);
      if (event.kind === "events.dropped") for (const { runId, from, to } of event.data.ranges) add(runId, from, to);
    }
    return [...known].flatMap(([runId, numbers]) => gapsOf(runId, numbers));
  }
}

function gapsOf(runId: string, numbers: ReadonlySet<number>): readonly SequenceGap[] {
  const gaps: SequenceGap[] = [];
  let expected = 0;
  for (const seq of [...numbers].sort((a, b) => a - b)) {
    if (seq > expected) gaps.push({ runId, from: expected, to: seq - 1 });
    expected = seq + 1;
  }
  return gaps;
}

function idOf(raw: unknown): string {
  if (typeof raw !== "object" || raw === null || !("eventId" in raw)) return "";
  return typeof raw.eventId === "string" ? raw.eventId : "";
}
