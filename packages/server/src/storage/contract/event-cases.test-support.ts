import { expect } from "vitest";
import type { EventFilter } from "../events-table.ts";
import { type ContractCase, DAY_MS, eventIdAt, eventRow } from "./contract-case.test-support.ts";

export const EVENT_CASES: readonly ContractCase[] = [
  {
    name: "an event is stored once, however often it comes",
    run: async ({ store: { events, runs }, workspaceId, otherId }) => {
      const [a, b, c] = [0, 1, 2].map((seq) => eventRow({ workspaceId, seq }));
      if (a === undefined || b === undefined || c === undefined) throw new Error("three rows");
      const results = await Promise.all([events.insert([a, b]), events.insert([b, c]), events.insert([a, a])]);
      expect(results.flat().filter(Boolean)).toHaveLength(3);
      expect(await events.insert([c, { ...a, json: '{"other":true}' }])).toEqual([false, false]);
      expect(await events.get(workspaceId, a.eventId.toUpperCase())).toEqual(JSON.parse(a.json));
      expect(await events.get(otherId, a.eventId)).toBeUndefined();
      expect(await events.insert([{ ...a, workspaceId: otherId }])).toEqual([true]);
      expect(await runs.get(workspaceId, "r1")).toMatchObject({ eventCount: 3, seqMax: 2 });
      expect(await events.insert([])).toEqual([]);
      expect(events.waiting).toEqual({ count: 0, sizeBytes: 0 });
    },
  },
  {
    name: "an event that cannot be stored fails its own insert alone",
    run: async ({ store: { events }, workspaceId }) => {
      const bad = eventRow({ workspaceId, seq: 1, eventId: "0190a5f0-0000-4000-8000-000000000000" });
      const results = await Promise.allSettled([
        events.insert([eventRow({ workspaceId, seq: 0 })]),
        events.insert([eventRow({ workspaceId, seq: 2 }), bad]),
        events.insert([eventRow({ workspaceId, seq: 3 })]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect((await events.search(workspaceId, {}, { limit: 9 })).items.map(({ seq }) => seq)).toEqual([3, 0]);
      expect(events.waiting).toEqual({ count: 0, sizeBytes: 0 });
    },
  },
  {
    name: "what waits is counted until it is stored",
    run: async ({ store: { events }, workspaceId }) => {
      const inserted = events.insert([eventRow({ workspaceId, seq: 0 }), eventRow({ workspaceId, seq: 1 })]);
      expect(events.waiting.count).toBe(2);
      expect(events.waiting.sizeBytes).toBeGreaterThan(100);
      await inserted;
      expect(events.waiting).toEqual({ count: 0, sizeBytes: 0 });
    },
  },
  {
    name: "events keep their run's counters, start and end",
    run: async ({ store: { events, runs }, workspaceId }) => {
      const actor = { externalId: "u1", name: "Ann" };
      const model = { name: "m" };
      await events.insert([
        eventRow({
          workspaceId,
          seq: 0,
          kind: "run.started",
          sessionId: "s1",
          runStart: { actor, model, tags: { a: "b" } },
        }),
        eventRow({ workspaceId, seq: 1, kind: "tool.decision", verdict: "BLOCK", cause: "RULE_VIOLATION" }),
        eventRow({ workspaceId, seq: 2, kind: "llm.decision", verdict: "ALLOW", cause: "ALLOW" }),
        eventRow({ workspaceId, seq: 3, kind: "run.ended", runEnd: "interrupted" }),
        eventRow({ workspaceId, seq: 4, kind: "run.ended", runEnd: "success" }),
        eventRow({ workspaceId, seq: -1, eventId: eventIdAt(DAY_MS, 99) }),
      ]);
      expect(await runs.get(workspaceId, "r1")).toEqual({
        workspaceId,
        runId: "r1",
        agent: "support",
        sessionId: "s1",
        actor,
        model,
        tags: { a: "b" },
        startedAtMs: DAY_MS,
        endedAtMs: DAY_MS + 3_000,
        status: "interrupted",
        eventCount: 6,
        seqMax: 4,
        droppedCount: 0,
        decisionCount: 2,
        blockCount: 1,
        lastEventAtMs: DAY_MS + 4_000,
      });
      expect(await runs.gaps(workspaceId, "r1")).toEqual([]);
    },
  },
  {
    name: "events are found by what they hold, newest first or in their run's order",
    run: async ({ store: { events }, workspaceId, otherId }) => {
      await events.insert([
        eventRow({ workspaceId, seq: 0, kind: "run.started", sessionId: "s1", actorExternalId: "u1" }),
        eventRow({
          workspaceId,
          seq: 1,
          kind: "tool.decision",
          tool: "refund",
          verdict: "BLOCK",
          cause: "RULE_VIOLATION",
          ruleId: "x",
        }),
        eventRow({
          workspaceId,
          seq: 2,
          kind: "tool.decision",
          tool: "lookup",
          verdict: "ALLOW",
          cause: "ALLOW",
          agent: "billing",
        }),
        eventRow({ workspaceId, seq: 3, runId: "r2", json: JSON.stringify({ seq: 3, note: 'said "HI" 100%_\\é' }) }),
        eventRow({ workspaceId: otherId, seq: 4 }),
      ]);
      const found = async (filter: EventFilter, order?: "newest" | "seq") =>
        (await events.search(workspaceId, filter, { limit: 9, order })).items.map(({ seq }) => seq);
      expect(await found({})).toEqual([3, 2, 1, 0]);
      expect(await found({ runId: "r1" }, "seq")).toEqual([0, 1, 2]);
      expect(await found({ sessionId: "s1" })).toEqual([0]);
      expect(await found({ sessionId: "s1", sinceMs: DAY_MS, untilMs: DAY_MS + 1 })).toEqual([0]);
      expect(await found({ sessionId: "s1", sinceMs: DAY_MS + 1 })).toEqual([]);
      expect(await found({ runId: "r1" })).toEqual([2, 1, 0]);
      expect(await found({ actorExternalId: "u1" })).toEqual([0]);
      expect(await found({ agent: "billing" })).toEqual([2]);
      expect(await found({ tool: "refund" })).toEqual([1]);
      expect(await found({ kinds: ["tool.decision", "run.started"] })).toEqual([2, 1, 0]);
      expect(await found({ verdict: "BLOCK" })).toEqual([1]);
      expect(await found({ cause: "ALLOW" })).toEqual([2]);
      expect(await found({ ruleId: "x" })).toEqual([1]);
      expect(await found({ sinceMs: DAY_MS + 1_000, untilMs: DAY_MS + 3_000 })).toEqual([2, 1]);
      for (const text of ['SAID "hi"', "100%_\\", "\\é"]) expect(await found({ text, sinceMs: DAY_MS })).toEqual([3]);
      expect(await found({ text: "100x", sinceMs: DAY_MS })).toEqual([]);
    },
  },
  {
    name: "pages of events follow each other, whatever comes in between",
    run: async ({ store: { events }, workspaceId }) => {
      const sessionId = "s1";
      await events.insert([0, 1, 2, 3, 4].map((seq) => eventRow({ workspaceId, seq, sessionId })));
      const first = await events.search(workspaceId, {}, { limit: 2 });
      await events.insert([eventRow({ workspaceId, seq: 5, sessionId })]);
      const second = await events.search(workspaceId, {}, { limit: 2, cursor: first.nextCursor });
      expect([...first.items, ...second.items].map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
      const ofSession = await events.search(workspaceId, { sessionId: "s1" }, { limit: 2 });
      const older = { limit: 9, cursor: ofSession.nextCursor };
      const restOfSession = await events.search(workspaceId, { sessionId: "s1" }, older);
      expect([...ofSession.items, ...restOfSession.items].map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1, 0]);
      const ofRun = await events.search(workspaceId, { runId: "r1" }, { limit: 4 });
      const restOfRun = await events.search(workspaceId, { runId: "r1" }, { limit: 4, cursor: ofRun.nextCursor });
      expect([...ofRun.items, ...restOfRun.items].map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1, 0]);
      const inOrder = await events.search(workspaceId, { runId: "r1" }, { limit: 4, order: "seq" });
      const rest = { limit: 4, order: "seq", cursor: inOrder.nextCursor } as const;
      expect((await events.search(workspaceId, { runId: "r1" }, rest)).items.map(({ seq }) => seq)).toEqual([4, 5]);
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await events.scan(workspaceId, { sinceMs: DAY_MS + 1_000 }, { limit: 2, cursor });
        seen.push(...page.items.map(({ json }) => JSON.parse(json).seq));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual([1, 2, 3, 4, 5]);
      await expect(events.search(workspaceId, {}, { limit: 1, cursor: inOrder.nextCursor })).rejects.toMatchObject({
        code: "HB_REQUEST_INVALID",
      });
    },
  },
  {
    name: "counts are by stretches of time",
    run: async ({ store: { events }, workspaceId, otherId }) => {
      const hour = 3_600_000;
      await events.insert([
        eventRow({ workspaceId, seq: 0, kind: "run.started" }),
        eventRow({ workspaceId, seq: 1, kind: "tool.decision", verdict: "BLOCK", cause: "HITL_PENDING" }),
        eventRow({
          workspaceId,
          seq: 2,
          kind: "llm.decision",
          verdict: "ALLOW",
          cause: "ALLOW",
          agent: "billing",
          runId: "r2",
        }),
        eventRow({
          workspaceId,
          seq: 3,
          eventId: eventIdAt(DAY_MS + hour, 3),
          kind: "tool.decision",
          verdict: "BLOCK",
          cause: "RULE_VIOLATION",
        }),
        eventRow({ workspaceId, seq: 4, eventId: eventIdAt(DAY_MS + 2 * hour, 4) }),
        eventRow({ workspaceId: otherId, seq: 5 }),
      ]);
      const range = { sinceMs: DAY_MS, untilMs: DAY_MS + 2 * hour, bucketMs: hour };
      expect(await events.stats(workspaceId, range)).toEqual([
        { startMs: DAY_MS, runs: 2, events: 3, decisions: 2, blocks: 1, held: 1 },
        { startMs: DAY_MS + hour, runs: 0, events: 1, decisions: 1, blocks: 1, held: 0 },
      ]);
      expect(await events.stats(workspaceId, { ...range, agent: "billing" })).toEqual([
        { startMs: DAY_MS, runs: 1, events: 1, decisions: 1, blocks: 0, held: 0 },
      ]);
    },
  },
  {
    name: "old events go, with the runs that have no newer one",
    run: async ({ store: { events, runs }, workspaceId }) => {
      const day = 86_400_000;
      await events.prepare(DAY_MS);
      await events.insert([
        eventRow({ workspaceId, seq: 0, runId: "old", eventId: eventIdAt(DAY_MS - 10 * day, 1) }),
        eventRow({ workspaceId, seq: 0, runId: "long", eventId: eventIdAt(DAY_MS - 10 * day, 2) }),
        eventRow({ workspaceId, seq: 1, runId: "long", eventId: eventIdAt(DAY_MS + 1, 3) }),
      ]);
      expect(await events.prune(DAY_MS)).toBeGreaterThanOrEqual(1);
      expect((await events.search(workspaceId, {}, { limit: 9 })).items.map(({ seq }) => seq)).toEqual([1]);
      expect(await runs.get(workspaceId, "old")).toBeUndefined();
      expect(await runs.get(workspaceId, "long")).toMatchObject({ eventCount: 2 });
    },
  },
];
