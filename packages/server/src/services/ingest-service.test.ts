import { HandlebarError } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { eventOf } from "../event.fixture.ts";
import { EVENTS_WAITING_COUNT_MAX, EVENTS_WAITING_SIZE_BYTES_MAX } from "../limits.ts";
import type { EventRow, EventsTable } from "../storage/events-table.ts";
import { IngestService } from "./ingest-service.ts";

interface Given {
  readonly waiting?: EventsTable["waiting"];
  readonly insert?: EventsTable["insert"];
}

/** The service over a store that says what the test wants. */
function serviceOf({ waiting = { count: 0, sizeBytes: 0 }, insert }: Given): {
  readonly service: IngestService;
  readonly stored: EventRow[];
} {
  const stored: EventRow[] = [];
  const take: EventsTable["insert"] = (rows) => Promise.resolve(rows.map(() => true));
  const events = { waiting, insert: insert ?? take };
  const service = new IngestService({
    // Nothing else of the store is asked.
    store: { events: events as unknown as EventsTable },
    runtime: { nowMs: Date.now },
    states: { revision: () => 12, get: () => Promise.reject(new Error("not asked")) },
    agents: { find: () => Promise.resolve(undefined) },
    onStored: (rows) => stored.push(...rows),
  });
  return { service, stored };
}

const batch = { agentId: "support", events: [eventOf("error"), eventOf("error")] };

describe("IngestService", () => {
  it.each([
    ["many", { count: EVENTS_WAITING_COUNT_MAX, sizeBytes: 0 }],
    ["large", { count: 1, sizeBytes: EVENTS_WAITING_SIZE_BYTES_MAX }],
  ])("refuses a batch while too %s events wait to be written", async (_name, waiting) => {
    const { service, stored } = serviceOf({ waiting });
    const refusal = { kind: "too-many", code: "HB_OVERLOADED", retryAfterSeconds: 1 };
    await expect(service.ingest("w", batch)).rejects.toMatchObject(refusal);
    expect(stored).toEqual([]);
  });

  it("acknowledges nothing that was not written", async () => {
    const insert = (): Promise<never> => Promise.reject(new HandlebarError("HB_STORE_UNAVAILABLE", "away"));
    const { service, stored } = serviceOf({ insert });
    await expect(service.ingest("w", batch)).rejects.toMatchObject({ code: "HB_STORE_UNAVAILABLE" });
    expect(stored).toEqual([]);
  });

  it("tells of what is new alone, and of the newest revision", async () => {
    const { service, stored } = serviceOf({ insert: () => Promise.resolve([false, true]) });
    const answer = await service.ingest("w", batch);
    const [first, second] = batch.events;
    expect(answer).toEqual({
      accepted: 1,
      results: [{ eventId: first?.eventId, status: "duplicate" }],
      revision: 12,
    });
    expect(stored.map(({ eventId }) => eventId)).toEqual([second?.eventId]);
  });

  it("does not write a batch without a good event", async () => {
    const { service } = serviceOf({ insert: () => Promise.reject(new Error("not asked")) });
    expect((await service.ingest("w", { agentId: "a", events: [7] })).accepted).toBe(0);
  });

  it("makes the columns that searches use", async () => {
    const { service, stored } = serviceOf({});
    const decision = eventOf("tool.decision", { runId: "r", seq: 4 });
    const dropped = eventOf("events.dropped", {
      data: {
        ranges: [
          { runId: "r", from: 5, to: 4 },
          { runId: "r", from: 5, to: 5 },
        ],
      },
    });
    await service.ingest("w", { agentId: "support", events: [decision, dropped, eventOf("run.ended")] });
    expect(stored).toMatchObject([
      {
        workspaceId: "w",
        runId: "r",
        seq: 4,
        agent: "support",
        tool: "refund",
        verdict: "BLOCK",
        cause: "RULE_VIOLATION",
        ruleId: "refunds/large",
        json: JSON.stringify(decision),
        dropped: [],
      },
      { dropped: [{ runId: "r", from: 5, to: 5 }] },
      { runEnd: "success" },
    ]);
  });
});
