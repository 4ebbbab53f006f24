import type { RequestSpan } from "../http/request-spans.ts";
import { SPAN_BATCH_COUNT_MAX, SPAN_QUEUE_COUNT_MAX } from "../limits.ts";
import type { ServerLog } from "../services/server-log.ts";
import type { ServerRuntime, ServerTimer } from "../services/server-runtime.ts";
import { VERSION } from "../version.ts";

export interface SpanExporterDeps {
  /** Of the collector, such as `http://localhost:4318`. */
  readonly endpoint: string;
  /** `name=value,name=value`, percent-encoded, as OpenTelemetry writes them. */
  readonly headers: string | undefined;
  readonly runtime: ServerRuntime;
  readonly log: ServerLog;
  readonly fetch: typeof fetch;
}

const EXPORT_EVERY_MS = 5000;
const EXPORT_TIMEOUT_MS = 10_000;

/** Sends spans to a collector by OTLP over HTTP in JSON. What cannot be sent is dropped and counted: traces never hold up a request. */
export class SpanExporter {
  readonly #deps: SpanExporterDeps;
  #waiting: RequestSpan[] = [];
  #droppedCount = 0;
  #timer: ServerTimer | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(deps: SpanExporterDeps) {
    this.#deps = deps;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  add(span: RequestSpan): void {
    if (this.#waiting.length >= SPAN_QUEUE_COUNT_MAX) {
      this.#droppedCount++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= SPAN_BATCH_COUNT_MAX) void this.flush();
    else this.#timer ??= this.#deps.runtime.after(EXPORT_EVERY_MS, () => void this.flush());
  }

  /** Sends what waits; never rejects. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const spans = this.#waiting;
    this.#waiting = [];
    if (spans.length > 0) this.#sending = this.#sending.then(() => this.#send(spans));
    return this.#sending;
  }

  async #send(spans: readonly RequestSpan[]): Promise<void> {
    const { endpoint, headers, log } = this.#deps;
    try {
      const response = await this.#deps.fetch(`${endpoint.replace(/\/+$/, "")}/v1/traces`, {
        method: "POST",
        headers: { "content-type": "application/json", ...parseHeaders(headers) },
        body: JSON.stringify(toOtlp(spans)),
        signal: AbortSignal.timeout(EXPORT_TIMEOUT_MS),
        redirect: "error",
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
    } catch (error) {
      this.#droppedCount += spans.length;
      log.warn({ err: error, spanCount: spans.length }, "traces could not be sent and were dropped");
    }
  }
}

function parseHeaders(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? "")
    .split(",")
    .map((pair) => pair.split("=", 2).map((part) => decodeURIComponent(part.trim())));
  return Object.fromEntries(pairs.filter(([name, value]) => name !== "" && value !== undefined));
}

const SERVER_KIND = 2;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

/** The JSON form of OTLP's `ExportTraceServiceRequest`. */
function toOtlp(spans: readonly RequestSpan[]): unknown {
  const resource = { attributes: attributes({ "service.name": "handlebar", "service.version": VERSION }) };
  const scope = { name: "@handlebar/server", version: VERSION };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: spans.map(toOtlpSpan) }] }] };
}

function toOtlpSpan(span: RequestSpan): unknown {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: SERVER_KIND,
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: attributes(span.attributes),
    status: { code: span.isError ? STATUS_ERROR : STATUS_UNSET },
  };
}

function attributes(values: Readonly<Record<string, string | number>>): unknown {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

/** As text: the number is beyond the safe range. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}
