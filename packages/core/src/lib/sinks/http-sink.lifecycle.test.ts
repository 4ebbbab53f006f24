import { describe, expect, it } from "vitest";
import { balance, setUp, status } from "./http-sink.test-support.ts";
import { SimWorld } from "./sim-world.test-support.ts";

describe("HttpSink.flush", () => {
  it("sends at once and resolves when what was written before is delivered", async () => {
    const { store, client, sink } = setUp();
    sink.write(client.decision("r"));
    await sink.flush();
    expect(store.events.size).toBe(1);
  });

  it("also waits for the report of what was dropped meanwhile", async () => {
    const { world, store, client, sink } = setUp();
    const isReport = ({ kind }: { readonly kind: string }): boolean => kind === "events.dropped";
    world.answer = (request) =>
      request.body.events.some(isReport) ? { kind: "hang" } : store.ingest(request, () => "reject");
    sink.write(client.decision("r"));
    let isDone = false;
    const done = sink.flush({ deadlineMs: 2_000 }).then(() => {
      isDone = true;
    });
    await world.advance(1_999);
    expect(isDone).toBe(false);
    await world.advance(1);
    await done;
    expect(sink.stats).toMatchObject({ dropped: 1, pending: 1, unreportedDrops: 1 });
  });

  it("resolves at its deadline and leaves the events to later attempts", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = () => ({ kind: "hang" });
    sink.write(client.decision("r"));
    const done = sink.flush({ deadlineMs: 2_000 });
    await world.advance(2_000);
    await done;
    expect(sink.stats.pending).toBe(1);
    world.answer = (request) => store.ingest(request);
    await world.advance(20_000);
    expect(sink.stats).toMatchObject({ delivered: 1, pending: 0 });
  });

  it("does not wait, and does not ask sooner, when the next attempt lies beyond the deadline", async () => {
    const { world, client, sink } = setUp();
    world.answer = () => status(429, { "retry-after": "60" });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    await sink.flush({ deadlineMs: 5_000 });
    expect(world.requests).toHaveLength(1);
  });

  it("resolves at once when there is nothing to do", async () => {
    const { world, sink } = setUp();
    await sink.flush();
    expect(world.requests).toEqual([]);
  });
});

describe("HttpSink.close", () => {
  it("delivers what waits, drops to report included, and says how much", async () => {
    const { world, store, client, sink } = setUp({ queueCountMax: 4, mustKeepSizeBytes: 0 });
    for (let index = 0; index < 6; index++) sink.write(client.message("r"));
    expect(await sink.close()).toEqual({ delivered: 5, spooled: 0, dropped: 0 });
    expect(store.unexplained("r", 7)).toEqual([]);
    expect(world.timerCount).toBe(0);
    expect(balance(sink.stats)).toBe(0);
  });

  it("ends the attempt at the deadline, counts what is left, and leaves no timer", async () => {
    const { world, client, sink } = setUp();
    world.answer = () => ({ kind: "hang" });
    for (let index = 0; index < 3; index++) sink.write(client.decision("r"));
    const closed = sink.close({ deadlineMs: 3_000 });
    await world.advance(3_000);
    expect(await closed).toEqual({ delivered: 0, spooled: 0, dropped: 3 });
    expect(sink.stats.drops).toEqual([{ reason: "shutdown", kind: "tool.decision", count: 3 }]);
    expect(world.timerCount).toBe(0);
    expect(await sink.close()).toEqual({ delivered: 0, spooled: 0, dropped: 3 });
  });

  it("makes one more attempt when it was only backing off", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = () => status(503);
    sink.write(client.decision("r"));
    await world.advance(100_000);
    const before = world.requests.length;
    world.answer = (request) => store.ingest(request);
    expect(await sink.close()).toEqual({ delivered: 1, spooled: 0, dropped: 0 });
    expect(world.requests.length).toBe(before + 1);
  });

  it("[SPEC 9.3] never asks again before Retry-After has passed", async () => {
    const { world, client, sink } = setUp();
    world.answer = () => status(503, { "retry-after": "60" });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    expect(await sink.close()).toEqual({ delivered: 0, spooled: 0, dropped: 1 });
    expect(world.requests).toHaveLength(1);
  });

  it("retries within its deadline", async () => {
    const { world, store, client, sink } = setUp();
    world.answer = (request) => (world.requests.length < 3 ? status(503) : store.ingest(request));
    sink.write(client.decision("r"));
    const closed = sink.close();
    await world.advance(5_000);
    expect(await closed).toEqual({ delivered: 1, spooled: 0, dropped: 0 });
  });

  it("counts what is written afterwards and does nothing else", async () => {
    const { world, client, sink } = setUp();
    await sink.close();
    sink.write(client.decision("r"));
    await sink.flush();
    await world.advance(10_000);
    expect(world.requests).toEqual([]);
    expect(sink.stats).toMatchObject({
      emitted: 1,
      dropped: 1,
      drops: [{ reason: "closed", kind: "tool.decision", count: 1 }],
    });
  });

  it("can end at once, for a process that is exiting", () => {
    const { world, client, sink } = setUp();
    sink.write(client.decision("r"));
    expect(sink.closeNow()).toEqual({ delivered: 0, spooled: 0, dropped: 1 });
    expect(world.timerCount).toBe(0);
  });
});

describe("HttpSink in a request", () => {
  it("sets no timer in request mode and sends on flush", async () => {
    const { world, store, client, sink } = setUp({ flushMode: "request" });
    sink.write(client.decision("r"));
    await world.advance(10_000);
    expect(world.requests).toEqual([]);
    expect(world.timerCount).toBe(0);
    await sink.flush();
    expect(store.events.size).toBe(1);
  });

  it("delivers what one request wrote through `waitUntil`, once per burst", async () => {
    const works: Promise<unknown>[] = [];
    const { world, store, client, sink } = setUp({ waitUntil: (work) => works.push(work) });
    sink.write(client.decision("r"));
    sink.write(client.decision("r"));
    expect(works).toHaveLength(1);
    await world.advance(1_000);
    await Promise.all(works);
    expect(store.events.size).toBe(2);
    sink.write(client.decision("r"));
    expect(works).toHaveLength(2);
    await world.advance(1_000);
    expect(store.events.size).toBe(3);
  });

  it("goes on when a frozen host has lost the attempt and the timers", async () => {
    const { world, store, client, sink } = setUp({ flushMode: "request" });
    world.answer = () => ({ kind: "hang" });
    sink.write(client.decision("r"));
    void sink.flush();
    await world.settle();
    world.answer = (request) => store.ingest(request);
    world.nowMs += 3_600_000;
    const done = sink.flush();
    await world.advance(1_000);
    await done;
    expect(store.events.size).toBe(1);
  });
});

describe("HttpSink after an answer that came too late", () => {
  it("counts each event once", async () => {
    const world = new SimWorld(1);
    const answers: ((response: Response) => void)[] = [];
    const fetch = (): Promise<Response> => new Promise((resolve) => answers.push(resolve));
    const { client, sink } = setUp({ runtime: { ...world.runtime, fetch }, flushMode: "request" });
    sink.write(client.decision("r"));
    void sink.flush();
    await world.settle();
    world.nowMs += 3_600_000;
    void sink.flush();
    await world.advance(1_000);
    const answer = (): Response => new Response(JSON.stringify({ accepted: 1, results: [] }));
    for (const resolve of answers) resolve(answer());
    await world.settle();
    expect(answers).toHaveLength(2);
    expect(sink.stats).toMatchObject({ emitted: 1, delivered: 1, pending: 0 });
  });
});

describe("HttpSink options", () => {
  it.each([
    ["endpoint", { endpoint: "control.example" }],
    ["apiKey", { apiKey: "" }],
    ["queueCountMax", { queueCountMax: -1 }],
    ["flushIntervalMs", { flushIntervalMs: Number.NaN }],
    ["batchCountMax", { batchCountMax: "many" as unknown as number }],
  ])("refuses a wrong `%s`", (field, options) => {
    expect(() => setUp(options)).toThrow(expect.objectContaining({ code: "HB_CONFIG_INVALID", field }));
  });

  it("takes hooks from a client, and its own first", async () => {
    const revisions: string[] = [];
    const { world, client, sink } = setUp({ onAnswer: () => revisions.push("own") });
    sink.attach({ onAnswer: () => revisions.push("client"), onAuthFailure: () => revisions.push("auth") });
    sink.write(client.decision("r"));
    await world.advance(1_000);
    world.answer = () => status(403);
    sink.write(client.decision("r"));
    await world.advance(1_000);
    expect(revisions).toEqual(["own", "auth"]);
  });
});
