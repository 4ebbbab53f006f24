import type { AuditEvent } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { balance, setUp, status } from "./http-sink.test-support.ts";
import { SimWorld } from "./sim-world.test-support.ts";

const ids = (events: readonly { readonly eventId: string }[]): readonly string[] =>
  events.map(({ eventId }) => eventId);

describe("HttpSink", () => {
  it("sends what was written in one request, an interval later, in order, with key and request id", async () => {
    const { world, client, sink } = setUp();
    const events = [client.decision("r"), client.message("r"), client.result("r")];
    for (const event of events) sink.write(event);
    await world.advance(999);
    expect(world.requests).toEqual([]);
    await world.advance(1);
    expect(world.requests).toHaveLength(1);
    expect(world.requests[0]?.body).toEqual({ agentId: "support", events });
    expect(world.requests[0]?.headers).toEqual({
      authorization: "Bearer key-1",
      "content-type": "application/json",
      "idempotency-key": "id-1",
    });
    expect(sink.stats).toMatchObject({ emitted: 3, delivered: 3, pending: 0, queueSizeBytes: 0, healthy: true });
    expect(world.timerCount).toBe(0);
  });

  it("sends a full batch at once and the rest an interval later", async () => {
    const { world, client, sink } = setUp({ batchCountMax: 10 });
    for (let index = 0; index < 25; index++) sink.write(client.decision("r"));
    await world.settle();
    expect(world.requests.map(({ body }) => body.events.length)).toEqual([10, 10]);
    await world.advance(1_000);
    expect(world.requests.map(({ body }) => body.events.length)).toEqual([10, 10, 5]);
  });

  it("keeps requests within the byte bound, and never has two under way", async () => {
    const { world, client, sink } = setUp({ batchSizeBytesMax: 4_000 });
    world.answer = () => ({ kind: "hang" });
    for (let index = 0; index < 20; index++) sink.write(client.message("r", 1_000));
    await world.advance(5_000);
    expect(world.requests).toHaveLength(1);
    expect(world.requests[0]?.body.events).toHaveLength(3);
  });

  it("keeps agents apart", async () => {
    const { world, client, sink } = setUp();
    sink.write(client.decision("r"));
    sink.write({ ...client.decision("r"), agentId: "other" });
    await world.advance(1_000);
    expect(world.requests.map(({ body }) => body.agentId)).toEqual(["support", "other"]);
  });

  it("reads a rotated key at each request", async () => {
    let key = "old";
    const { world, client, sink } = setUp({ apiKey: () => key });
    world.answer = () => status(401);
    sink.write(client.decision("r"));
    await world.advance(1_000);
    key = "new";
    await world.advance(60_000);
    expect(world.requests.map(({ headers }) => headers["authorization"])).toEqual(["Bearer old", "Bearer new"]);
  });

  it.each([
    ["no body", status(204)],
    ["a page of a captive portal", status(200, { "content-type": "text/html" }, "<html>Welcome</html>")],
    ["JSON of something else", status(200, {}, JSON.stringify({ ok: true }))],
    ["an answer that does not speak for every event", status(200, {}, JSON.stringify({ accepted: 0, results: [] }))],
    ["an answer beyond 64 KiB", status(200, {}, JSON.stringify({ accepted: 1, results: [], pad: "x".repeat(70_000) }))],
    ["a redirect", status(302, { location: "https://elsewhere.example/" })],
    ["not found", status(404)],
    ["request timeout", status(408)],
    ["too early", status(425)],
    ["too many", status(429)],
    ["an error of a proxy", status(529)],
    ["a reset", { kind: "reset" }],
  ] as const)("does not take %s for an acknowledgement, and tries again", async (_what, answer) => {
    const { world, store, client, sink } = setUp();
    world.answer = () => answer;
    sink.write(client.decision("r"));
    await world.advance(1_000);
    expect(sink.stats).toMatchObject({ delivered: 0, dropped: 0, pending: 1, healthy: false });
    world.answer = (request) => store.ingest(request);
    await world.advance(1_000);
    expect(sink.stats).toMatchObject({ delivered: 1, dropped: 0, pending: 0, healthy: true });
    expect(new Set(world.requests.map(({ headers }) => headers["idempotency-key"]))).toEqual(new Set(["id-1"]));
  });

  it("gives up an attempt at its deadline, and delivers once the server is back", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = () => ({ kind: "hang" });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    world.answer = (request) => store.ingest(request);
    await world.advance(9_999);
    expect(world.requests).toHaveLength(1);
    await world.advance(502);
    expect(world.requests).toHaveLength(2);
    expect(sink.stats).toMatchObject({ delivered: 1, pending: 0 });
  });

  it("holds its deadline even where `fetch` ignores that it was aborted", async () => {
    const world = new SimWorld(1);
    let count = 0;
    const fetch = (): Promise<Response> => {
      count++;
      return new Promise(() => undefined);
    };
    const { client, sink } = setUp({ runtime: { ...world.runtime, fetch } });
    sink.write(client.decision("r"));
    await world.advance(12_000);
    expect(count).toBe(2);
  });

  it("backs off exponentially with jitter, up to 30 s, without ever giving up", async () => {
    const { world, client, sink } = setUp();
    world.answer = () => status(503);
    sink.write(client.decision("r"));
    await world.advance(600_000);
    const gaps = world.requests.map(({ atMs }, index) => atMs - (world.requests[index - 1]?.atMs ?? atMs)).slice(1);
    gaps.forEach((gap, index) => {
      const step = Math.min(30_000, 500 * 2 ** index);
      expect(gap).toBeGreaterThanOrEqual(step / 2);
      expect(gap).toBeLessThanOrEqual(step + 1);
    });
    expect(gaps.length).toBeGreaterThan(20);
    expect(sink.stats).toMatchObject({ dropped: 0, pending: 1 });
  });

  it.each([
    ["seconds", "20", 20_000],
    ["a date", new Date(1_700_000_000_000 + 1_001_000 + 20_000).toUTCString(), 20_000],
    ["less than the floor", "0", 500],
    ["more than the cap", "3600", 300_000],
  ])("waits as long as Retry-After says, in %s", async (_what, header, waitMs) => {
    const { world, client, sink } = setUp();
    world.answer = () => status(429, { "retry-after": header });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    await world.advance(waitMs * 1.1);
    const gapMs = (world.requests[1]?.atMs ?? 0) - (world.requests[0]?.atMs ?? 0);
    expect(gapMs).toBeGreaterThanOrEqual(waitMs);
    expect(gapMs).toBeLessThanOrEqual(waitMs * 1.1);
  });

  it("[SPEC 9.3] tries a refused key once a minute, says so, and keeps everything", async () => {
    const failures: unknown[] = [];
    const { world, store, client, sink } = setUp({ onAuthFailure: (failure) => failures.push(failure) });
    const problem = JSON.stringify({ title: "no", status: 401, code: "HB_API_AUTH" });
    world.answer = () => status(401, {}, problem);
    sink.write(client.decision("r"));
    await world.advance(300_000);
    expect(world.requests).toHaveLength(5);
    expect(failures).toEqual(Array.from({ length: 5 }, () => ({ status: 401, code: "HB_API_AUTH" })));
    world.answer = (request) => store.ingest(request);
    await world.advance(60_000);
    expect(sink.stats).toMatchObject({ delivered: 1, dropped: 0 });
    expect(world.warnings.join("\n")).toContain("HB_API_AUTH");
    expect(world.warnings.join("\n")).not.toContain("key-1");
  });

  it.each([400, 422])("finds the one event behind a status of %i, drops it, and reports it", async (code) => {
    const { world, store, client, sink } = setUp();
    const events = Array.from({ length: 200 }, () => client.decision("r"));
    world.answer = (request) =>
      request.body.events.some(({ seq }) => seq === 77) ? status(code) : store.ingest(request);
    for (const event of events) sink.write(event);
    await world.advance(5_000);
    expect(store.events.size).toBe(200);
    expect([...store.events.values()].find(({ kind }) => kind === "events.dropped")?.data).toEqual({
      counts: [{ reason: "rejected", kind: "tool.decision", count: 1 }],
      ranges: [{ runId: "r", from: 77, to: 77 }],
    });
    expect(sink.stats).toMatchObject({ emitted: 201, delivered: 200, dropped: 1, unreportedDrops: 0, pending: 0 });
    expect(world.requests.length).toBeLessThan(20);
  });

  it("slows down when everything is refused", async () => {
    const { world, client, sink } = setUp();
    world.answer = () => status(400);
    for (let index = 0; index < 200; index++) sink.write(client.decision("r"));
    await world.advance(10_000);
    expect(world.requests.length).toBeLessThan(20);
  });

  it("follows what the answer says of each event", async () => {
    const { world, store, client, sink } = setUp();
    const events = Array.from({ length: 4 }, () => client.decision("r"));
    const [taken, known, bad, later] = events;
    if (known !== undefined) store.events.set(known.eventId, known);
    let isFirst = true;
    world.answer = (request) =>
      store.ingest(request, (event) => {
        if (event.eventId === bad?.eventId) return "reject";
        if (event.eventId !== later?.eventId || !isFirst) return "take";
        isFirst = false;
        return "retry";
      });
    for (const event of events) sink.write(event);
    await world.advance(1_000);
    expect(sink.stats).toMatchObject({ delivered: 2, duplicates: 1, dropped: 1, pending: 1 });
    await world.advance(3_000);
    expect(sink.stats).toMatchObject({ delivered: 4, dropped: 1, pending: 0, unreportedDrops: 0 });
    expect([...store.events.keys()].sort()).toEqual(
      [...ids([taken, known, later].filter((e) => e !== undefined)), "event-5"].sort(),
    );
  });

  it("halves batches that are too large, remembers it, and cuts a single event that still is", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = (request) => (request.sizeBytes > 30_000 ? status(413) : store.ingest(request));
    for (let index = 0; index < 10; index++) sink.write(client.message("r", 8_000));
    sink.write(client.message("r", 100_000));
    await world.advance(30_000);
    expect(store.events.size).toBe(11);
    expect(sink.stats).toMatchObject({ delivered: 11, dropped: 0 });
    expect([...store.events.values()].at(-1)).toMatchObject({ redaction: { truncated: { content: 100_002 } } });
    const before = world.requests.length;
    for (let index = 0; index < 10; index++) sink.write(client.message("r", 8_000));
    await world.advance(30_000);
    expect(store.events.size).toBe(21);
    expect(world.requests.slice(before).every(({ sizeBytes }) => sizeBytes <= 30_000)).toBe(true);
  });

  it("sets an event aside that alone makes the server fail, and delivers the others", async () => {
    const { world, store, client, sink } = setUp();
    const isPoison = ({ seq }: { readonly seq: number }): boolean => seq === 5;
    world.answer = (request) => (request.body.events.some(isPoison) ? status(500) : store.ingest(request));
    for (let index = 0; index < 50; index++) sink.write(client.decision("r"));
    await world.advance(120_000);
    expect(store.events.size).toBe(49);
    expect(sink.stats).toMatchObject({ delivered: 49, dropped: 0, pending: 1 });
    sink.write(client.decision("r"));
    await world.advance(61_000);
    expect(store.events.size).toBe(50);
  });

  it("loses nothing to a server that fails with 500 for an hour", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = () => status(500);
    for (let index = 0; index < 500; index++) sink.write(client.decision("r"));
    await world.advance(3_600_000);
    world.answer = (request) => store.ingest(request);
    await world.advance(120_000);
    expect(sink.stats).toMatchObject({ emitted: 500, delivered: 500, dropped: 0, pending: 0 });
    expect(store.events.size).toBe(500);
  });

  it("tells the revision that an answer carries, and survives throwing hooks", async () => {
    const revisions: number[] = [];
    const { world, client, sink } = setUp({
      onAnswer: (revision) => {
        revisions.push(revision);
        throw new Error("hook");
      },
    });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    expect(revisions).toEqual([7]);
    expect(sink.stats.delivered).toBe(1);
  });
});

describe("HttpSink at its bounds", () => {
  it("drops messages before results before decisions, oldest first, and reports each", async () => {
    const { world, store, client, sink } = setUp({ queueCountMax: 8, mustKeepSizeBytes: 0, batchCountMax: 100 });
    world.answer = () => status(503);
    const write = (event: AuditEvent): AuditEvent => {
      sink.write(event);
      return event;
    };
    const first = write(client.decision("r"));
    await world.advance(1_000);
    write(client.message("r"));
    write(client.result("r"));
    write(client.message("r"));
    const kept = [write(client.result("r")), ...Array.from({ length: 6 }, () => write(client.decision("r")))];
    expect(sink.stats).toMatchObject({ emitted: 11, pending: 8, dropped: 3, spooled: 0 });
    world.answer = (request) => store.ingest(request);
    await world.advance(5_000);
    expect(ids([...store.events.values()])).toEqual([...ids([first, ...kept]), "event-12"]);
    expect([...store.events.values()].at(-1)?.data).toEqual({
      counts: [
        { reason: "queue_full", kind: "message.raw.created", count: 2 },
        { reason: "queue_full", kind: "tool.result", count: 1 },
      ],
      ranges: [{ runId: "r", from: 1, to: 3 }],
    });
    expect(sink.stats).toMatchObject({ delivered: 9, dropped: 3, unreportedDrops: 0 });
  });

  it("keeps a part of the queue for what must be kept", () => {
    const { client, sink } = setUp({ queueSizeBytesMax: 100_000, mustKeepSizeBytes: 50_000 });
    for (let index = 0; index < 200; index++) sink.write(client.message("r", 1_000));
    const { dropped, queueSizeBytes } = sink.stats;
    expect(queueSizeBytes).toBeLessThanOrEqual(50_000);
    for (let index = 0; index < 100; index++) sink.write(client.decision("r"));
    expect(sink.stats.dropped).toBe(dropped);
  });

  it("never holds more than its byte bound, whatever the size of events", async () => {
    const { world, client, sink } = setUp({ queueSizeBytesMax: 1_000_000 });
    world.answer = () => ({ kind: "hang" });
    for (let index = 0; index < 2_000; index++) {
      sink.write(client.result("r", 200_000));
      if (index % 100 === 0) await world.advance(100);
    }
    expect(sink.stats.queueSizeBytesPeak).toBeLessThanOrEqual(1_000_000);
    expect(balance(sink.stats)).toBe(0);
    expect(sink.stats.emitted).toBe(client.seqs.get("r"));
  });

  it("drops an event larger than the queue without hurting the others", () => {
    const { client, sink } = setUp({ queueSizeBytesMax: 10_000 });
    sink.write(client.decision("r"));
    sink.write(client.message("r", 50_000));
    expect(sink.stats).toMatchObject({ pending: 1, dropped: 1 });
  });

  it("does not report in a loop when reports themselves are refused", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = (request) => store.ingest(request, () => "reject");
    sink.write(client.decision("r"));
    await world.advance(60_000);
    expect(world.requests).toHaveLength(2);
    expect(sink.stats).toMatchObject({ emitted: 2, dropped: 2, pending: 0, unreportedDrops: 2 });
  });
});
