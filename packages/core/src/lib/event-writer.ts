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
  let seq = options.firstSeq ?? 0;
  const make: EventWriter["make"] = (kind, data, extra = {}) => {
    const otel = source.otel?.();
    const event = {
      schema: EVENT_SCHEMA,
      eventId: runtime.newId(),
      seq: seq++,
      ts: new Date(runtime.clock.nowMs()).toISOString(),
      agentId: source.agentId,
      runId: source.runId,
      ...(source.sessionId === undefined ? {} : { sessionId: source.sessionId }),
      ...(extra.stepIndex === undefined ? {} : { stepIndex: extra.stepIndex }),
      ...(source.actorExternalId === undefined ? {} : { actorExternalId: source.actorExternalId }),
      ...(otel === undefined ? {} : { otel }),
      ...(extra.redaction === undefined ? {} : { redaction: extra.redaction }),
      kind,
      data,
    };
    // `kind` and `data` belong together by this function's own signature; the union cannot express that here.
    return event as unknown as AuditEvent;
  };
  return {
    get nextSeq() {
      return seq;
    },
    make,
    write: (kind, data, extra) => options.emit(make(kind, data, extra)),
  };
}
