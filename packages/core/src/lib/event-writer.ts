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
  /** Makes one event and hands it on; its `seq` is the run's next. */
  write<K extends EventKind>(kind: K, data: EventData<K>, extra?: EventExtra): void;
  /** Makes one event without handing it on; it has taken its number all the same. */
  make<K extends EventKind>(kind: K, data: EventData<K>, extra?: EventExtra): AuditEvent;
  /** The number that the next event gets. */
  readonly nextSeq: number;
}

export interface EventExtra {
  readonly stepIndex?: number | undefined;
  readonly redaction?: EventEnvelope["redaction"] | undefined;
}

export function createEventWriter(
  runtime: Runtime,
  source: EventSource,
  options: { readonly emit: (event: AuditEvent) => void; readonly firstSeq?: number | undefined },
): EventWriter {
  return new StampingWriter(runtime, source, options);
}

class StampingWriter implements EventWriter {
  readonly #runtime: Runtime;
  readonly #source: EventSource;
  readonly #emit: (event: AuditEvent) => void;
  #seq: number;

  constructor(
    runtime: Runtime,
    source: EventSource,
    { emit, firstSeq = 0 }: { readonly emit: (event: AuditEvent) => void; readonly firstSeq?: number | undefined },
  ) {
    this.#runtime = runtime;
    this.#source = source;
    this.#emit = emit;
    this.#seq = firstSeq;
  }

  get nextSeq(): number {
    return this.#seq;
  }

  make<K extends EventKind>(kind: K, data: EventData<K>, extra: EventExtra = NOTHING): AuditEvent {
    const { agentId, runId, sessionId, actorExternalId } = this.#source;
    const otel = this.#source.otel?.();
    const event: Record<string, unknown> = {
      schema: EVENT_SCHEMA,
      eventId: this.#runtime.newId(),
      seq: this.#seq++,
      ts: new Date(this.#runtime.clock.nowMs()).toISOString(),
      agentId,
      runId,
    };
    if (sessionId !== undefined) event["sessionId"] = sessionId;
    if (extra.stepIndex !== undefined) event["stepIndex"] = extra.stepIndex;
    if (actorExternalId !== undefined) event["actorExternalId"] = actorExternalId;
    if (otel !== undefined) event["otel"] = otel;
    if (extra.redaction !== undefined) event["redaction"] = extra.redaction;
    event["kind"] = kind;
    event["data"] = data;
    // `kind` and `data` belong together by this function's own signature; the union cannot express that here.
    return event as unknown as AuditEvent;
  }

  write<K extends EventKind>(kind: K, data: EventData<K>, extra?: EventExtra): void {
    this.#emit(this.make(kind, data, extra));
  }
}

const NOTHING: EventExtra = {};
