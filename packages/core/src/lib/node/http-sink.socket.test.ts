import { setImmediate } from "node:timers/promises";
import type { AuditEvent } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultRuntime } from "../runtime.ts";
import { HttpSink } from "../sinks/http-sink.ts";
import type { HttpSinkOptions } from "../sinks/http-sink-options.ts";
import { SimClient } from "../sinks/sim-world.test-support.ts";
import {
  type Behaviour,
  commitAndHang,
  drip,
  endlessAnswer,
  FaultyServer,
  garbage,
  hang,
  healthy,
  poisonedBy,
  resetAnswer,
  resetRequest,
  status,
} from "./faulty-server.test-support.ts";

const EVENT_COUNT = 300;
/** No server sees an attempt that is refused. */
const POLL = { interval: 5, timeout: 30_000 };

let server: FaultyServer;
const sinks: HttpSink[] = [];

beforeEach(async () => {
  server = new FaultyServer();
  await server.listen();
});

afterEach(async () => {
  for (const sink of sinks.splice(0)) sink.closeNow();
  await server.close();
});

function open(client: SimClient, options: Partial<HttpSinkOptions> = {}): HttpSink {
  const sink = new HttpSink({
    endpoint: server.endpoint,
    apiKey: "key",
    runtime: defaultRuntime({ logger: { warn: () => undefined, error: () => undefined } }),
    makeDropped: (report) => client.makeDropped(report),
    batchCountMax: 50,
    flushIntervalMs: 10,
    backoffBaseMs: 10,
    backoffMaxMs: 50,
    attemptTimeoutMs: 250,
    ...options,
  });
  sinks.push(sink);
  return sink;
}

/** Writes events with turns of the event loop between, so that sending goes on meanwhile. */
async function writeAll(sink: HttpSink, events: readonly AuditEvent[]): Promise<void> {
  for (const event of events) {
    sink.write(event);
    await setImmediate();
  }
}

function makeEvents(client: SimClient): readonly AuditEvent[] {
  return Array.from({ length: EVENT_COUNT }, (_, index) =>
    index % 2 === 0 ? client.decision("run") : client.message("run", 200),
  );
}

const FAULTS: readonly (readonly [string, Behaviour])[] = [
  ["503", status(503)],
  ["500", status(500)],
  ["408", status(408)],
  ["429 with Retry-After", status(429, { "retry-after": "1" })],
  ["401", status(401)],
  ["a hang", hang],
  ["a hang after taking the events", commitAndHang],
  ["a reset of the request", resetRequest],
  ["a reset in the answer, after taking the events", resetAnswer],
  ["an answer that stops after one byte", drip],
  ["an answer without end", endlessAnswer],
  ["200 with a page that is not ours", garbage],
  ["a redirect", status(302, { location: "/elsewhere" })],
];

describe("HttpSink over a socket", () => {
  it("delivers everything, compressed, to a healthy server", async () => {
    const client = new SimClient();
    const sink = open(client);
    await writeAll(sink, makeEvents(client));
    expect(await sink.close()).toMatchObject({ spooled: 0, dropped: 0 });
    expect(server.store.size).toBe(EVENT_COUNT);
    expect(server.duplicateCount).toBe(0);
    expect(server.compressedCount).toBeGreaterThan(0);
  });

  it.each(FAULTS)("[SPEC 9.1] loses nothing to %s, and stores nothing twice", async (_what, behaviour) => {
    server.behaviour = behaviour;
    const client = new SimClient();
    const events = makeEvents(client);
    const sink = open(client, { authRetryMs: 100 });
    await writeAll(sink, events);
    await server.requested(2);
    server.behaviour = healthy;
    await sink.flush({ deadlineMs: 30_000 });
    expect(sink.stats).toMatchObject({ emitted: EVENT_COUNT, delivered: EVENT_COUNT, dropped: 0, pending: 0 });
    expect([...server.store.keys()].sort()).toEqual(events.map(({ eventId }) => eventId).sort());
    expect(sink.stats.duplicates).toBeLessThanOrEqual(server.duplicateCount);
  });

  it("loses nothing to a server that refuses connections for a while", async () => {
    await server.close();
    const client = new SimClient();
    const sink = open(client);
    await writeAll(sink, makeEvents(client));
    await expect.poll(() => sink.stats.attempts, POLL).toBeGreaterThanOrEqual(3);
    await server.listen();
    await sink.flush({ deadlineMs: 30_000 });
    expect(sink.stats).toMatchObject({ delivered: EVENT_COUNT, dropped: 0, pending: 0 });
    expect(server.store.size).toBe(EVENT_COUNT);
  });

  it("[SPEC 9.2] gives up the one poisoned event, delivers the others and says which is missing", async () => {
    const client = new SimClient();
    const events = makeEvents(client);
    server.behaviour = poisonedBy(events[123]?.eventId ?? "");
    const sink = open(client);
    await writeAll(sink, events);
    await sink.close({ deadlineMs: 30_000 });
    expect(server.store.size).toBe(EVENT_COUNT);
    expect(sink.stats).toMatchObject({
      emitted: EVENT_COUNT + 1,
      delivered: EVENT_COUNT,
      dropped: 1,
      unreportedDrops: 0,
    });
    const dropped = [...server.store.values()].find(({ kind }) => kind === "events.dropped");
    expect(dropped?.data).toEqual({
      counts: [{ reason: "rejected", kind: "message.raw.created", count: 1 }],
      ranges: [{ runId: "run", from: 123, to: 123 }],
    });
  });

  it("turns compression off for a server that does not know it", async () => {
    const client = new SimClient();
    server.behaviour = (exchange) => (exchange.isCompressed ? status(415) : healthy)(exchange);
    const sink = open(client);
    await writeAll(sink, makeEvents(client));
    await sink.close();
    expect(server.store.size).toBe(EVENT_COUNT);
    expect(server.compressedCount).toBe(1);
  });

  it("[SPEC 9.4] stays within its memory while the server hangs, and accounts for what it had to drop", async () => {
    server.behaviour = hang;
    const client = new SimClient();
    const queueSizeBytesMax = 500_000;
    const sink = open(client, { queueSizeBytesMax });
    const events = Array.from({ length: 400 }, (_, index) =>
      index % 4 === 0 ? client.decision("run") : client.result("run", 20_000),
    );
    await writeAll(sink, events);
    server.behaviour = healthy;
    await sink.close({ deadlineMs: 30_000 });
    const { emitted, delivered, dropped, queueSizeBytesPeak, unreportedDrops } = sink.stats;
    expect(queueSizeBytesPeak).toBeLessThanOrEqual(queueSizeBytesMax);
    expect(dropped).toBeGreaterThan(0);
    expect(emitted).toBe(delivered + dropped);
    expect(unreportedDrops).toBe(0);
    expect(delivered).toBe(server.store.size);
    // All decisions are there: results had to make room for them.
    const decisions = [...server.store.values()].filter(({ kind }) => kind === "tool.decision");
    expect(decisions).toHaveLength(100);
    const missing = explained(server);
    for (let seq = 0; seq < (client.seqs.get("run") ?? 0); seq++) expect(missing.has(seq)).toBe(true);
  });
});

/** Numbers that either arrived or are covered by a report. */
function explained({ store }: FaultyServer): ReadonlySet<number> {
  const seqs = new Set<number>();
  for (const event of store.values()) {
    seqs.add(event.seq);
    if (event.kind !== "events.dropped") continue;
    for (const { from, to } of event.data.ranges) for (let seq = from; seq <= to; seq++) seqs.add(seq);
  }
  return seqs;
}
