import { HttpSink } from "./http-sink.ts";
import type { HttpSinkOptions, HttpSinkStats } from "./http-sink-options.ts";
import { type SimAnswer, SimClient, SimStore, SimWorld } from "./sim-world.test-support.ts";

export interface Setup {
  readonly world: SimWorld;
  readonly store: SimStore;
  readonly client: SimClient;
  readonly sink: HttpSink;
}

export function setUp(options: Partial<HttpSinkOptions> = {}): Setup {
  const world = new SimWorld(1);
  const store = new SimStore();
  const client = new SimClient();
  world.answer = (request) => store.ingest(request);
  const sink = new HttpSink({
    endpoint: "https://control.example/",
    apiKey: "key-1",
    runtime: world.runtime,
    compress: false,
    makeDropped: (report) => client.makeDropped(report),
    ...options,
  });
  return { world, store, client, sink };
}

export const status = (code: number, headers: Record<string, string> = {}, body = ""): SimAnswer => ({
  kind: "answer",
  status: code,
  body,
  headers,
});

/** Zero when every event is accounted for. */
export function balance({ emitted, recovered, delivered, dropped, spooled, pending }: HttpSinkStats): number {
  return emitted + recovered - delivered - dropped - spooled - pending;
}
