import { gzipSync } from "node:zlib";
import {
  type AuditEvent,
  eventAnswerSchema,
  eventListSchema,
  type IngestAnswer,
  ingestAnswerSchema,
  runAnswerSchema,
  runListSchema,
  type StoredEvent,
  statsAnswerSchema,
} from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventOf } from "../event.fixture.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

async function ingest(events: readonly unknown[], key: string = server.keys.agent): Promise<IngestAnswer> {
  const answer = await server.call("POST", "/v1/runs/events", { key, body: { agentId: "support", events } });
  expect(answer.status).toBe(200);
  return ingestAnswerSchema.parse(answer.body);
}

async function search(query: string, key?: string): Promise<readonly StoredEvent[]> {
  const answer = await server.call("GET", `/v1/events?${query}`, { key });
  expect(answer.status).toBe(200);
  return eventListSchema.parse(answer.body).events;
}

const idsOf = (events: readonly { readonly eventId: string }[]): readonly string[] =>
  events.map(({ eventId }) => eventId);

function runOf(runId: string): readonly AuditEvent[] {
  return [
    eventOf("run.started", { runId, seq: 0 }),
    eventOf("tool.decision", { runId, seq: 1 }),
    eventOf("tool.result", { runId, seq: 2 }),
    eventOf("run.ended", { runId, seq: 3 }),
  ];
}

describe("POST /v1/runs/events", () => {
  it("stores each event once, as it came", async () => {
    const events = runOf("once");
    const answer = await ingest(events);
    expect([answer.accepted, answer.results]).toEqual([4, []]);
    const again = await ingest([...events, eventOf("error", { runId: "once", seq: 4 })]);
    expect(again.accepted).toBe(1);
    expect(again.results).toEqual(events.map(({ eventId }) => ({ eventId, status: "duplicate" })));
    const stored = await server.call("GET", "/v1/runs/once/events");
    expect(eventListSchema.parse(stored.body).events.slice(0, 4)).toEqual(events);
  });

  it("takes the good events of a batch and says what is wrong with each other one", async () => {
    const good = eventOf("error", { runId: "mixed", seq: 0 });
    const { eventId: _, ...nameless } = eventOf("error", { runId: "mixed", seq: 1 });
    const bad: readonly (readonly [unknown, string])[] = [
      [nameless, "`eventId`"],
      [{ ...eventOf("error"), kind: "no.such.kind" }, "`kind`"],
      [{ ...eventOf("error"), seq: -1 }, "`seq`"],
      [{ ...eventOf("error"), data: { code: 7 } }, "`data.code`"],
      [{ ...eventOf("error"), extra: true }, "`extra`"],
      [{ ...eventOf("error"), eventId: "1b4e28ba-2fa1-41d2-883f-0016d3cca427" }, "`eventId` is not a UUIDv7"],
      [{ ...eventOf("error"), eventId: "ffffffff-ffff-7fff-bfff-ffffffffffff" }, "more than a day ahead"],
      [{ ...eventOf("error"), ts: "2020-01-01T00:00:00Z" }, "more than a day from the time"],
      [{ ...eventOf("error"), data: { code: "x", scope: "x", message: "x".repeat(1_048_576) } }, "longer than"],
      ["text", "object"],
      [null, "object"],
    ];
    const answer = await ingest([bad[0]?.[0], good, ...bad.slice(1).map(([event]) => event)]);
    expect(answer.accepted).toBe(1);
    expect(answer.results.map(({ status, code }) => [status, code])).toEqual(
      bad.map(() => ["rejected", "HB_EVENT_INVALID"]),
    );
    for (const [at, [, what]] of bad.entries()) expect(answer.results[at]?.message).toContain(what);
    expect(idsOf(await search("run=mixed"))).toEqual([good.eventId]);
  });

  it("counts the same event of one batch once", async () => {
    const event = eventOf("error", { runId: "twins" });
    const answer = await ingest([event, event]);
    expect([answer.accepted, answer.results]).toEqual([1, [{ eventId: event.eventId, status: "duplicate" }]]);
  });

  it("knows an event whatever the case of its id", async () => {
    const event = eventOf("error", { runId: "case" });
    await ingest([{ ...event, eventId: event.eventId.toUpperCase() }]);
    expect((await ingest([event])).results).toEqual([{ eventId: event.eventId, status: "duplicate" }]);
    expect(idsOf(await search("run=case"))).toEqual([event.eventId]);
    const found = await server.call("GET", `/v1/events/${event.eventId.toUpperCase()}`);
    expect(eventAnswerSchema.parse(found.body).event).toEqual(event);
  });

  it("reads a compressed batch, and says the newest revision", async () => {
    await server.services.states.fresh(server.workspaceId);
    const events = [eventOf("error", { runId: "gzip" })];
    const bytes = new Uint8Array(gzipSync(JSON.stringify({ agentId: "support", events })));
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await server.call("POST", "/v1/runs/events", { key: server.keys.agent, bytes, headers });
    expect([answer.status, ingestAnswerSchema.parse(answer.body).accepted]).toEqual([200, 1]);
  });

  it.each([
    ["no events", { agentId: "support", events: [] }, "events"],
    ["too many", { agentId: "support", events: Array.from({ length: 1_001 }, () => ({})) }, "events"],
    ["no list", { agentId: "support", events: {} }, "events"],
    ["no agent", { events: [{}] }, "agentId"],
  ])("refuses a batch that is none: %s", async (_name, body, field) => {
    const answer = await server.call("POST", "/v1/runs/events", { body });
    expect([answer.status, answer.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field }]);
  });

  it("takes a thousand events of many runs from many clients at once", async () => {
    const batches = Array.from({ length: 20 }, (_, batch) =>
      Array.from({ length: 50 }, (_unused, seq) =>
        eventOf("error", { runId: `many-${batch % 7}`, seq: batch * 50 + seq }),
      ),
    );
    const answers = await Promise.all(batches.map((events) => ingest(events)));
    expect(answers.map(({ accepted }) => accepted)).toEqual(batches.map(() => 50));
    const counts = await Promise.all(
      Array.from({ length: 7 }, async (_, run) => {
        const { body } = await server.call("GET", `/v1/runs/many-${run}`);
        return runAnswerSchema.parse(body).run.eventCount;
      }),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
  });
});

describe("what is read of the audit trail", () => {
  it("shows runs with their counts and what is missing of them", async () => {
    const [started, decided, , ended] = runOf("gaps");
    const dropped = eventOf("events.dropped", {
      runId: "gaps",
      seq: 7,
      data: { ranges: [{ runId: "gaps", from: 4, to: 4 }] },
    });
    await ingest([started, decided, ended, dropped]);
    const { run, gaps } = runAnswerSchema.parse((await server.call("GET", "/v1/runs/gaps")).body);
    expect(gaps).toEqual([
      { from: 2, to: 2 },
      { from: 5, to: 6 },
    ]);
    expect(run).toMatchObject({
      runId: "gaps",
      agent: "support",
      actor: { externalId: "u_42", metadata: { tier: "gold" } },
      status: "success",
      eventCount: 4,
      decisionCount: 1,
      blockCount: 1,
      droppedCount: 1,
    });
    const broken = runListSchema.parse((await server.call("GET", "/v1/runs?gap=true")).body).runs;
    expect(broken.map(({ runId }) => runId)).toContain("gaps");
    expect(broken.map(({ runId }) => runId)).not.toContain("once");
  });

  it("finds runs by what is known of them, page by page", async () => {
    await ingest([
      { ...eventOf("run.started", { runId: "open-1" }), sessionId: "s-1" },
      { ...eventOf("run.started", { runId: "open-2" }), sessionId: "s-1" },
    ]);
    const page = runListSchema.parse((await server.call("GET", "/v1/runs?session=s-1&status=open&limit=1")).body);
    const cursor = encodeURIComponent(page.nextCursor ?? "");
    const rest = await server.call("GET", `/v1/runs?session=s-1&status=open&limit=1&cursor=${cursor}`);
    const runs = [...page.runs, ...runListSchema.parse(rest.body).runs];
    expect(runs.map(({ runId }) => runId).sort()).toEqual(["open-1", "open-2"]);
    const none = await server.call("GET", "/v1/runs?session=s-1&status=error");
    expect(none.body).toEqual({ runs: [] });
  });

  it("finds events by kind, tool, verdict, cause, rule, actor and text", async () => {
    const [started, decided, result] = runOf("found");
    const marked = eventOf("error", { runId: "found", seq: 9, data: { message: "The Needle" } });
    await ingest([{ ...started, actorExternalId: "u_9" }, decided, result, marked]);
    const find = async (query: string) => idsOf(await search(`run=found&${query}`));
    expect(await find("kind=tool.decision")).toEqual([decided?.eventId]);
    expect((await find("kind=tool.decision,tool.result")).length).toBe(2);
    expect((await find("tool=refund")).length).toBe(2);
    expect(await find("verdict=BLOCK&cause=RULE_VIOLATION&rule=refunds%2Flarge")).toEqual([decided?.eventId]);
    expect(await find("actor=u_9")).toEqual([started?.eventId]);
    expect(await find("text=needle&since=2020-01-01T00:00:00Z")).toEqual([marked.eventId]);
    expect(await find("until=2020-01-01T00:00:00Z")).toEqual([]);
  });

  it("counts by stretches of time", async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    const before = statsAnswerSchema.parse(
      (await server.call("GET", `/v1/stats?since=${since}&bucketSeconds=3600`)).body,
    );
    await ingest(runOf("counted"));
    const after = statsAnswerSchema.parse(
      (await server.call("GET", `/v1/stats?since=${since}&bucketSeconds=3600`)).body,
    );
    const sum = (answer: typeof after, name: "events" | "decisions" | "blocks" | "runs") =>
      answer.buckets.reduce((total, bucket) => total + bucket[name], 0);
    const more = (["runs", "events", "decisions", "blocks"] as const).map(
      (name) => sum(after, name) - sum(before, name),
    );
    expect(more).toEqual([1, 4, 1, 1]);
  });

  it.each([
    ["/v1/events?text=x", "since"],
    ["/v1/events?kind=no.such", "kind"],
    ["/v1/events?limit=0", "limit"],
    ["/v1/events?cursor=x", "cursor"],
    ["/v1/events?agnet=x", "agnet"],
    ["/v1/runs?status=done", "status"],
    ["/v1/runs?since=yesterday", "since"],
    ["/v1/stats", "since"],
    ["/v1/stats?since=2026-01-01T00:00:00Z&until=2025-01-01T00:00:00Z", "since"],
    ["/v1/stats?since=2000-01-01T00:00:00Z&bucketSeconds=1", "bucketSeconds"],
  ])("refuses %s by naming the field", async (path, field) => {
    const answer = await server.call("GET", path);
    expect([answer.status, answer.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field }]);
  });

  it("keeps workspaces apart", async () => {
    const theirs = await server.keyFor(["admin"], "theirs");
    const event = eventOf("error", { runId: "shared-name" });
    await ingest([event]);
    expect(await search("run=shared-name", theirs)).toEqual([]);
    for (const path of [`/v1/events/${event.eventId}`, "/v1/runs/shared-name", "/v1/runs/shared-name/events"]) {
      const answer = await server.call("GET", path, { key: theirs });
      expect([answer.status, answer.body]).toMatchObject([404, { code: "HB_NOT_FOUND" }]);
    }
    // The same event of another workspace is another one.
    expect((await ingest([event], theirs)).accepted).toBe(1);
  });
});
