import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { httpSink } from "@handlebar/core/sinks";
import { type AuditEvent, EVENT_SCHEMA } from "@handlebar/protocol";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import pino from "pino";

const COUNT = 20_000;
const ROUND_COUNT = 3;
let receivedCount = 0;

const server = createServer(async (request, response) => {
  const gunzipped = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  const body = JSON.parse(await text(gunzipped)) as { events?: { eventId: string }[]; resourceLogs?: OtelLogs };
  const count = body.events?.length ?? countLogs(body.resourceLogs ?? []);
  receivedCount += count;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ accepted: count, results: [] }));
});
type OtelLogs = readonly { scopeLogs: readonly { logRecords: readonly unknown[] }[] }[];
function countLogs(logs: OtelLogs): number {
  return logs.reduce((sum, one) => sum + one.scopeLogs.reduce((inner, scope) => inner + scope.logRecords.length, 0), 0);
}
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function eventOf(seq: number): AuditEvent {
  return {
    schema: EVENT_SCHEMA,
    eventId: crypto.randomUUID(),
    seq,
    ts: new Date().toISOString(),
    agentId: "bench",
    runId: "r",
    kind: "tool.decision",
    data: {
      verdict: "ALLOW",
      control: "CONTINUE",
      cause: { kind: "ALLOW" },
      message: "allowed",
      evaluatedRules: [],
      callId: `call-${seq}`,
      tool: { name: "refund", tags: ["moves-money"] },
      args: { order: "A-7731", amount: 80, note: "the chair arrived broken".repeat(16) },
    },
  };
}

interface Candidate {
  readonly name: string;
  open(): { write(event: AuditEvent): void; close(): Promise<unknown> };
}

const candidates: readonly Candidate[] = [
  {
    name: "Handlebar HTTP sink",
    open() {
      const sink = httpSink({ endpoint, apiKey: "k", queueCountMax: COUNT, queueSizeBytesMax: 256 * 1024 * 1024 });
      return { write: (event) => sink.write(event), close: () => sink.close({ deadlineMs: 60_000 }) };
    },
  },
  {
    name: "OpenTelemetry batch processor, OTLP over HTTP",
    open() {
      const exporter = new OTLPLogExporter({ url: `${endpoint}/v1/logs` });
      const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: COUNT });
      const provider = new LoggerProvider({ processors: [processor] });
      const logger = provider.getLogger("bench");
      return {
        write: (event) => logger.emit({ severityNumber: SeverityNumber.INFO, body: JSON.stringify(event) }),
        close: () => provider.shutdown(),
      };
    },
  },
  {
    name: "pino to a file (no delivery)",
    open() {
      const destination = pino.destination({ dest: "/dev/null", sync: false });
      const logger = pino(destination);
      return {
        write: (event) => logger.info(event),
        close: () => new Promise((resolve) => destination.flush(() => resolve(undefined))),
      };
    },
  },
];

console.log(
  `${COUNT} events of about 1 kB, best of ${ROUND_COUNT} rounds. Caller: the thread's time in the emitting loop for one event.\n`,
);
for (const { name, open } of candidates) {
  let best: { callerUs: number; perSecond: number; delivered: number } | undefined;
  for (let round = 0; round < ROUND_COUNT; round++) {
    const events = Array.from({ length: COUNT }, (_, seq) => eventOf(seq));
    receivedCount = 0;
    const sink = open();
    const startedMs = performance.now();
    for (const event of events) sink.write(event);
    const callerUs = ((performance.now() - startedMs) * 1000) / COUNT;
    await sink.close();
    const perSecond = COUNT / ((performance.now() - startedMs) / 1000);
    if (best === undefined || callerUs < best.callerUs) best = { callerUs, perSecond, delivered: receivedCount };
  }
  const delivered = name.startsWith("pino") ? "written" : `${best?.delivered} delivered`;
  console.log(
    `${name.padEnd(50)} caller ${best?.callerUs.toFixed(2)} µs  ${Math.round(best?.perSecond ?? 0)} events/s  ${delivered}`,
  );
}
server.close();
