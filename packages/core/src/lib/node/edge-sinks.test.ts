import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, it } from "vitest";

/** What an edge host has; not among it: process, Buffer, require, CompressionStream, unref. */
const EDGE_GLOBALS = {
  AbortController,
  Blob,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  clearTimeout,
  performance,
  setTimeout: (callback: () => void, delayMs: number) => Number(setTimeout(callback, delayMs)),
};

it("the sinks load and deliver on a host without Node.js", async () => {
  const bundle = await build({
    stdin: {
      contents: 'export { httpSink, consoleSink, memorySink, otelSink } from "./sinks.ts";',
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
      loader: "ts",
    },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "sinks",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["@handlebar/source", "edge-light", "worker"],
  });
  const bodies: string[] = [];
  const lines: string[] = [];
  const fetch = async (_url: string, init: { readonly body: string }): Promise<Response> => {
    bodies.push(init.body);
    return new Response(JSON.stringify({ accepted: 1, results: [] }));
  };
  const console = { error: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  const context = createContext({ ...EDGE_GLOBALS, fetch, console });
  runInContext(bundle.outputFiles[0]?.text ?? "", context);
  const result = await runInContext(
    `(async () => {
      const event = { eventId: "e", seq: 0, ts: "2026-01-02T03:04:05.678Z", agentId: "a", runId: "r", kind: "run.ended",
        data: { status: "success", steps: 0 } };
      const sink = sinks.httpSink({ endpoint: "https://control.example", apiKey: "k", waitUntil: () => {} });
      const memory = sinks.memorySink();
      for (const each of [sink, memory, sinks.consoleSink(), sinks.otelSink({ logger: { emit: () => {} } })]) each.write(event);
      return JSON.stringify([await sink.close(), memory.events.length]);
    })()`,
    context,
  );
  expect(JSON.parse(result)).toEqual([{ delivered: 1, spooled: 0, dropped: 0 }, 1]);
  expect(bodies.map((body) => JSON.parse(body).events.length)).toEqual([1]);
  expect(lines).toEqual(["03:04:05.678 a r #0 run ended: success"]);
});
