export { type ConsoleSinkOptions, consoleSink } from "./lib/sinks/console-sink.ts";
export type { DropCount, DropReason, DropReport } from "./lib/sinks/drop-ledger.ts";
export type { EventSpool, SpooledEvent, SpoolLoss, SpoolReceipt } from "./lib/sinks/event-spool.ts";
export { type HttpSink, httpSink } from "./lib/sinks/http-sink.ts";
export type {
  AuthFailure,
  CloseResult,
  HttpSinkHooks,
  HttpSinkOptions,
  HttpSinkStats,
} from "./lib/sinks/http-sink-options.ts";
export { type MemorySink, type MemorySinkOptions, memorySink } from "./lib/sinks/memory-sink.ts";
export { type OtelLogger, type OtelLogRecord, otelSink } from "./lib/sinks/otel-sink.ts";
