import { HandlebarError, type Policy } from "@handlebar/protocol";
import { sampleEvent } from "@handlebar/testing";
import { describe, expect, it, vi } from "vitest";
import { REPLAY_COUNT_MAX, REPLAY_PAGE_COUNT_MAX, REPLAY_READ_ATTEMPT_COUNT_MAX } from "../limits.ts";
import { recordedEvents } from "../recorded-events.fixture.ts";
import type { EventsTable } from "../storage/events-table.ts";
import type { Store } from "../storage/store.ts";
import { manualRuntime, settled } from "./manual-runtime.fixture.ts";
import { ReplayThread } from "./replay-thread.ts";
import { ReplaysService } from "./replays-service.ts";

const BODY = { policies: [], since: new Date(0).toISOString() };
const CONDITION = { kind: "maxCalls", scope: "agent", max: 3 } as const;
const POLICY: Policy = {
  id: "p",
  name: "p",
  rules: [
    {
      id: "p/r",
      name: "r",
      on: "tool.before",
      when: {
        kind: "and",
        all: [
          { not: { ...CONDITION, windowSeconds: 60 }, kind: "not" },
          { ...CONDITION, windowSeconds: 3 },
        ],
      },
      effect: { type: "block" },
    },
  ],
};

type Scan = EventsTable["scan"];

function serviceOf(scan: Scan, policies: readonly Policy[] = [POLICY]) {
  const runtime = manualRuntime();
  const events: Pick<EventsTable, "scan"> = { scan };
  // Nothing else of the store is asked.
  const store = { events } as unknown as Store;
  const service = new ReplaysService({ store, runtime, policies: { candidate: async () => policies } });
  return { runtime, service };
}

const never: Scan = () => new Promise(() => undefined);

describe("replays", () => {
  it("read from the longest window before the range to its end, or to now, page after page", async () => {
    const events = recordedEvents({ runCount: 40, startMs: 1_000_000 });
    const asked: unknown[] = [];
    const { service, runtime } = serviceOf(async (_workspaceId, filter, page) => {
      asked.push({ since: filter.sinceMs, until: filter.untilMs, from: page.cursor });
      if (filter.sinceMs === 0) return { items: [] };
      const at = Number(page.cursor ?? 0);
      const items = events
        .slice(at, at + 100)
        .map((event) => ({ eventId: event.eventId, json: JSON.stringify(event) }));
      return { items, ...(at + 100 < events.length ? { nextCursor: String(at + 100) } : {}) };
    });
    const replay = await service.open("w", { policies: [], since: new Date(60_000).toISOString() });
    const { range, leadInCount, report } = await replay.run(() => undefined);
    const nowMs = runtime.nowMs();
    expect(range).toEqual({ leadInMs: 60_000, sinceMs: 60_000, untilMs: nowMs });
    expect(asked).toEqual([
      { since: 0, until: 60_000, from: undefined },
      { since: 60_000, until: nowMs, from: undefined },
      { since: 60_000, until: nowMs, from: "100" },
      { since: 60_000, until: nowMs, from: "200" },
    ]);
    expect([leadInCount, report.rows, report.runs]).toEqual([0, events.length, 40]);
  });

  it("ask for pages of a bounded size, whatever the size of events", async () => {
    const limits: number[] = [];
    const [event] = recordedEvents({ runCount: 1, startMs: 1_000_000 });
    const texts = (length: number, count: number) => {
      const json = JSON.stringify({ ...event, padding: "x".repeat(length) });
      return Array.from({ length: count }, () => ({ eventId: event?.eventId ?? "", json }));
    };
    const { service } = serviceOf(async (_workspaceId, _filter, { limit }) => {
      limits.push(limit);
      const items = texts(limits.length < 5 ? 10 : 1_000_000, limit);
      return { items, ...(limits.length < 8 ? { nextCursor: "more" } : {}) };
    });
    const replay = await service.open("w", { ...BODY, leadInSeconds: 0 });
    await replay.run(() => undefined);
    expect(limits.slice(0, 5)).toEqual([250, 500, 1_000, REPLAY_PAGE_COUNT_MAX, REPLAY_PAGE_COUNT_MAX]);
    expect(limits.slice(5)).toEqual([2, 2, 2]);
  });

  it("try again while the database is busy or away, and then give up", async () => {
    let failures = 0;
    const { service, runtime } = serviceOf(async () => {
      failures++;
      throw new HandlebarError(failures % 2 === 0 ? "HB_OVERLOADED" : "HB_STORE_UNAVAILABLE", "not now");
    });
    const replay = await service.open("w", BODY);
    const outcome = replay
      .run(() => undefined)
      .then(
        () => "done",
        (error: unknown) => Object(error).code,
      );
    for (let second = 0; second < REPLAY_READ_ATTEMPT_COUNT_MAX; second++) {
      await settled();
      await runtime.advance(1_000);
    }
    expect([await outcome, failures]).toEqual(["HB_STORE_UNAVAILABLE", REPLAY_READ_ATTEMPT_COUNT_MAX]);
    expect(service.runningCount).toBe(0);
  });

  it("are at most as many as may run at once, and all end with the server", async () => {
    const { service } = serviceOf(never);
    const outcomes: Promise<unknown>[] = [];
    for (let at = 0; at < REPLAY_COUNT_MAX; at++) {
      const replay = await service.open("w", BODY);
      outcomes.push(replay.run(() => undefined).catch((error: unknown) => Object(error).code));
    }
    await expect(service.open("w", BODY)).rejects.toMatchObject({ code: "HB_OVERLOADED", kind: "too-many" });
    service.close();
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => "HB_SERVER_STOPPING"));
    expect(service.runningCount).toBe(0);
  });

  it("that were cancelled before they began do not begin", async () => {
    const scan = vi.fn(never);
    const { service } = serviceOf(scan);
    const replay = await service.open("w", BODY);
    replay.cancel();
    await expect(replay.run(() => undefined)).rejects.toMatchObject({ code: "HB_SERVER_STOPPING" });
    expect(scan).not.toHaveBeenCalled();
  });
});

describe("the thread of a replay", () => {
  it("is given up when it needs more memory than it may have", async () => {
    const thread = new ReplayThread({ policies: [POLICY], tools: undefined, failClosed: false }, { heapMibMax: 48 });
    const content = "x".repeat(1_000_000);
    const feedUntilFull = async (): Promise<void> => {
      // What goes to a model is decided with what was said in its run.
      for (let run = 0; run < 200; run++) {
        const event = sampleEvent("message.raw.created", { runId: `run ${run}`, data: { content } });
        await thread.feed({ texts: [JSON.stringify(event)], isLeadIn: false });
      }
    };
    await expect(feedUntilFull()).rejects.toMatchObject({ code: "HB_REPLAY_TOO_LARGE", kind: "too-large" });
    await thread.end(new Error("the test is over"));
  });
});
