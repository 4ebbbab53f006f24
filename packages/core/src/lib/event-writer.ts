import { type AuditEvent, EVENT_SCHEMA, type EventData, type EventEnvelope, type EventKind } from "@handlebar/protocol";
import type { Runtime } from "./runtime.ts";

/** What every event of a run repeats. */
export interface EventSource {
  readonly agentId: string;
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly actorExternalId: string | undefined;
  /** Trace context at the time of the event, where the host traces. */
  readonly otel?: (() => { readonly traceId: string; readonly spanId: string } | undefined) | undefined;
}

/** Numbers and stamps the events of one run, in order, and hands them on. */
export interface EventWriter {
  /** Makes one event and hands it on; its `seq` is the run's next. Where nobody is given it, `describe` is not called. */
  write<K extends EventKind>(kind: K, describe: () => EventContent<K>): void;
  /** Makes one event without handing it on; it has taken its number all the same. */
  make<K extends EventKind>(kind: K, content: EventContent<K>): AuditEvent;
  /** The number that the next event gets. */
  readonly nextSeq: number;
}

/** What one event says, beside what all events of its run say. */
export interface EventContent<K extends EventKind> {
  readonly data: EventData<K>;
  readonly stepIndex?: number | undefined;
  readonly redaction?: EventEnvelope["redaction"] | undefined;
}

interface WriterOptions {
  /** Absent: nobody is given the events, which are numbered all the same. */
  readonly emit: ((event: AuditEvent) => void) | undefined;
  readonly firstSeq?: number | undefined;
}

export function createEventWriter(runtime: Runtime, source: EventSource, options: WriterOptions): EventWriter {
  return new StampingWriter(runtime, source, options);
}

class StampingWriter implements EventWriter {
  readonly #runtime: Runtime;
  readonly #source: EventSource;
  readonly #emit: WriterOptions["emit"];
  #seq: number;
  #atMs = 0;
  #ts: string | undefined;

  constructor(runtime: Runtime, source: EventSource, { emit, firstSeq = 0 }: WriterOptions) {
    this.#runtime = runtime;
    this.#source = source;
    this.#emit = emit;
    this.#seq = firstSeq;
  }

  get nextSeq(): number {
    return this.#seq;
  }

  make<K extends EventKind>(kind: K, { data, stepIndex, redaction }: EventContent<K>): AuditEvent {
    const { agentId, runId, sessionId, actorExternalId } = this.#source;
    const otel = this.#source.otel?.();
    const event: Record<string, unknown> = {
      schema: EVENT_SCHEMA,
      eventId: this.#runtime.newId(),
      seq: this.#seq++,
      ts: this.#timestamp(),
      agentId,
      runId,
    };
    if (sessionId !== undefined) event["sessionId"] = sessionId;
    if (stepIndex !== undefined) event["stepIndex"] = stepIndex;
    if (actorExternalId !== undefined) event["actorExternalId"] = actorExternalId;
    if (otel !== undefined) event["otel"] = otel;
    if (redaction !== undefined) event["redaction"] = redaction;
    event["kind"] = kind;
    event["data"] = data;
    // `kind` and `data` belong together by this function's own signature; the union cannot express that here.
    return event as unknown as AuditEvent;
  }

  write<K extends EventKind>(kind: K, describe: () => EventContent<K>): void {
    if (this.#emit === undefined) this.#seq++;
    else this.#emit(this.make(kind, describe()));
  }

  /** Many events of a run fall into one millisecond, and writing a date takes longer than all the rest. */
  #timestamp(): string {
    const nowMs = this.#runtime.clock.nowMs();
    if (nowMs !== this.#atMs || this.#ts === undefined) {
      this.#atMs = nowMs;
      this.#ts = new Date(nowMs).toISOString();
    }
    return this.#ts;
  }
}
