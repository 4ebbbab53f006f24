import { randomBytes } from "node:crypto";
import type { FinishedRequest, RequestObserver } from "./request-observer.ts";

/** One request as a span of a trace. */
export interface RequestSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Method and route, such as `GET /v1/runs/{runId}`. */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;
const NO_TRACE = "0".repeat(32);

/** Makes a span of each request, as a part of the client's trace where it sends one; a client that does not sample is not recorded. */
export function spanObserver(onSpan: (span: RequestSpan) => void, nowMs: () => number): RequestObserver {
  return (request) => {
    const parent = parseTraceparent(request.headers.get("traceparent"));
    if (parent?.isSampled === false) return;
    const endMs = nowMs();
    onSpan({
      traceId: parent?.traceId ?? randomBytes(16).toString("hex"),
      spanId: randomBytes(8).toString("hex"),
      parentSpanId: parent?.spanId,
      name: `${request.method} ${request.path}`,
      startMs: endMs - request.durationMs,
      endMs,
      isError: request.status >= 500,
      attributes: attributesOf(request),
    });
  };
}

function attributesOf({
  method,
  path,
  status,
  code,
  requestId,
}: FinishedRequest): Readonly<Record<string, string | number>> {
  return {
    "http.request.method": method,
    "http.route": path,
    "http.response.status_code": status,
    ...(code === undefined ? {} : { "error.type": code }),
    ...(requestId === undefined ? {} : { "handlebar.request_id": requestId }),
  };
}

function parseTraceparent(
  header: string | null,
): { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(header ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || traceId === NO_TRACE) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags ?? "0", 16) & 1) === 1 };
}
