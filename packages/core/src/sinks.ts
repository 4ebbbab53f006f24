export { type ConsoleSinkOptions, consoleSink } from "./lib/sinks/console-sink.ts";
export { type HttpSink, httpSink } from "./lib/sinks/http-sink.ts";
export type { AuthFailure, CloseResult, HttpSinkOptions, HttpSinkStats } from "./lib/sinks/http-sink-options.ts";
export { type MemorySink, type MemorySinkOptions, memorySink } from "./lib/sinks/memory-sink.ts";
export { type OtelLogger, type OtelLogRecord, otelSink } from "./lib/sinks/otel-sink.ts";
