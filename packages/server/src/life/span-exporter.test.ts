import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { spanObserver } from "../http/request-spans.ts";
import { SPAN_BATCH_COUNT_MAX, SPAN_QUEUE_COUNT_MAX } from "../limits.ts";
import { manualRuntime } from "../services/manual-runtime.fixture.ts";
import { createLog } from "./logger.ts";
import { SpanExporter } from "./span-exporter.ts";

interface Export {
  readonly path: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly spans: readonly Readonly<Record<string, unknown>>[];
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A collector on a port of this machine. */
async function collector(status = 200): Promise<{ readonly url: string; readonly exports: Export[] }> {
  const exports: Export[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
      exports.push({ path: request.url, headers: request.headers, spans: resourceSpans[0].scopeSpans[0].spans });
      response.writeHead(status).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, exports };
}

function exporterTo(endpoint: string, headers?: string) {
  const runtime = manualRuntime();
  const exporter = new SpanExporter({ endpoint, headers, runtime, log: createLog("silent"), fetch });
  const observe = spanObserver((span) => exporter.add(span), runtime.nowMs);
  const request = {
    method: "GET",
    path: "/v1/runs/{runId}",
    status: 200,
    durationMs: 5,
    code: undefined,
    requestId: undefined,
    headers: new Headers(),
  };
  return { runtime, exporter, observe, request };
}

describe("traces of requests", () => {
  it("go to the collector as OTLP, as a part of the client's trace", async () => {
    const { url, exports } = await collector();
    const { exporter, observe, request } = exporterTo(url, "x-token=a%20b,x-other=c");
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    observe({ ...request, headers: new Headers({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` }) });
    observe({ ...request, status: 503, code: "HB_STORE_UNAVAILABLE", requestId: "r1" });
    await exporter.flush();
    expect(exports).toHaveLength(1);
    const [sent] = exports;
    expect([sent?.path, sent?.headers["x-token"], sent?.headers["x-other"]]).toEqual(["/v1/traces", "a b", "c"]);
    expect(sent?.spans).toMatchObject([
      {
        traceId,
        parentSpanId: "00f067aa0ba902b7",
        name: "GET /v1/runs/{runId}",
        kind: 2,
        startTimeUnixNano: "1699999999995000000",
        endTimeUnixNano: "1700000000000000000",
        status: { code: 0 },
      },
      { traceId: expect.stringMatching(/^[0-9a-f]{32}$/), status: { code: 2 } },
    ]);
    expect(sent?.spans[1]?.["attributes"]).toContainEqual({
      key: "error.type",
      value: { stringValue: "HB_STORE_UNAVAILABLE" },
    });
  });

  it("leave out what the client does not sample", async () => {
    const { url, exports } = await collector();
    const { exporter, observe, request } = exporterTo(url);
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    observe({ ...request, headers: new Headers({ traceparent }) });
    await exporter.flush();
    expect(exports).toEqual([]);
  });

  it("go out after some seconds, or at once where there are many", async () => {
    const { url, exports } = await collector();
    const { exporter, observe, request, runtime } = exporterTo(url);
    observe(request);
    await runtime.advance(5000);
    await expect.poll(() => exports.map(({ spans }) => spans.length)).toEqual([1]);
    for (let count = 0; count < SPAN_BATCH_COUNT_MAX; count++) observe(request);
    await expect.poll(() => exports.map(({ spans }) => spans.length)).toEqual([1, SPAN_BATCH_COUNT_MAX]);
    await exporter.flush();
  });

  it("are dropped and counted where the collector refuses or is away, and never thrown", async () => {
    const { url } = await collector(500);
    const refused = exporterTo(url);
    refused.observe(refused.request);
    await refused.exporter.flush();
    expect(refused.exporter.droppedCount).toBe(1);
    const away = exporterTo("http://127.0.0.1:1");
    away.observe(away.request);
    await away.exporter.flush();
    expect(away.exporter.droppedCount).toBe(1);
  });
});

it("the queue of spans holds some batches", () => {
  expect(SPAN_QUEUE_COUNT_MAX).toBeGreaterThan(SPAN_BATCH_COUNT_MAX);
});
