import { expect } from "vitest";
import type { RunStateRecord } from "../run-states-table.ts";
import type { RunRecord } from "../runs-table.ts";
import { type ContractCase, DAY_MS, eventIdAt, eventRow } from "./contract-case.test-support.ts";

const empty = (workspaceId: string, runId: string): RunRecord => ({
  workspaceId,
  runId,
  agent: "support",
  sessionId: undefined,
  actor: undefined,
  model: undefined,
  tags: {},
  startedAtMs: 100,
  endedAtMs: undefined,
  status: undefined,
  eventCount: 0,
  seqMax: -1,
  droppedCount: 0,
  decisionCount: 0,
  blockCount: 0,
  lastEventAtMs: undefined,
});

const state = (runId: string, version: number, snapshotJson = "{}"): RunStateRecord => ({
  runId,
  startedAtMs: 1,
  snapshotJson,
  isTerminated: false,
  version,
});

export const RUN_CASES: readonly ContractCase[] = [
  {
    name: "a run is opened once and ends once",
    run: async ({ store: { runs }, workspaceId, otherId }) => {
      const details = {
        sessionId: "s1",
        actor: { externalId: "u1", metadata: { tier: "gold" } },
        model: { name: "m" },
        tags: { env: "test" },
      };
      const { startedAtMs, agent } = empty(workspaceId, "r1");
      await runs.start({ workspaceId, runId: "r1", agent, startedAtMs, ...details });
      const later = { ...details, sessionId: "s2", tags: { env: "other" }, startedAtMs: 200 };
      await runs.start({ workspaceId, runId: "r1", agent: "another", ...later });
      expect(await runs.get(workspaceId, "r1")).toEqual({ ...empty(workspaceId, "r1"), ...details });
      await runs.end(workspaceId, "r1", { agent: "support", status: "success", atMs: 300 });
      await runs.end(workspaceId, "r1", { agent: "support", status: "error", atMs: 400 });
      expect(await runs.get(workspaceId, "r1")).toMatchObject({ status: "success", endedAtMs: 300 });
      expect(await runs.get(otherId, "r1")).toBeUndefined();
    },
  },
  {
    name: "events that come before the start open their run, and the start adds what was not known",
    run: async ({ store: { runs, events }, workspaceId }) => {
      await events.insert([eventRow({ workspaceId, seq: 1, actorExternalId: "u1" })]);
      const first = await runs.get(workspaceId, "r1");
      expect(first).toMatchObject({
        startedAtMs: DAY_MS + 1_000,
        actor: { externalId: "u1" },
        eventCount: 1,
        seqMax: 1,
      });
      const actor = { externalId: "u1", name: "Ann" };
      await runs.start({
        workspaceId,
        runId: "r1",
        agent: "support",
        sessionId: "s1",
        actor,
        model: undefined,
        tags: { a: "b" },
        startedAtMs: DAY_MS,
      });
      expect(await runs.get(workspaceId, "r1")).toEqual({
        ...empty(workspaceId, "r1"),
        sessionId: "s1",
        actor,
        tags: { a: "b" },
        startedAtMs: DAY_MS,
        eventCount: 1,
        seqMax: 1,
        lastEventAtMs: DAY_MS + 1_000,
      });
      await runs.end(workspaceId, "never started", { agent: "support", status: "timeout", atMs: 9 });
      expect(await runs.get(workspaceId, "never started")).toMatchObject({
        status: "timeout",
        startedAtMs: 9,
        endedAtMs: 9,
      });
    },
  },
  {
    name: "runs are listed newest first by what is asked for",
    run: async ({ store: { runs }, workspaceId, otherId }) => {
      for (const n of [1, 2, 3, 4]) {
        await runs.start({
          workspaceId: n === 4 ? otherId : workspaceId,
          runId: `r${n}`,
          agent: n === 1 ? "billing" : "support",
          sessionId: `s${n % 2}`,
          actor: { externalId: `u${n}` },
          model: undefined,
          tags: {},
          startedAtMs: 100,
        });
      }
      await runs.end(workspaceId, "r2", { agent: "support", status: "error", atMs: 9 });
      const ids = async (filter: Parameters<typeof runs.list>[1]) =>
        (await runs.list(workspaceId, filter, { limit: 9 })).items.map(({ runId }) => runId);
      expect(await ids({})).toEqual(["r3", "r2", "r1"]);
      expect(await ids({ agent: "billing" })).toEqual(["r1"]);
      expect(await ids({ sessionId: "s1" })).toEqual(["r3", "r1"]);
      expect(await ids({ actorExternalId: "u2" })).toEqual(["r2"]);
      expect(await ids({ status: "error" })).toEqual(["r2"]);
      expect(await ids({ status: "open" })).toEqual(["r3", "r1"]);
      expect(await ids({ sinceMs: 101 })).toEqual([]);
      expect(await ids({ sinceMs: 100, untilMs: 101 })).toEqual(["r3", "r2", "r1"]);
      const first = await runs.list(workspaceId, {}, { limit: 2 });
      const second = await runs.list(workspaceId, {}, { limit: 2, cursor: first.nextCursor });
      expect(second.items.map(({ runId }) => runId)).toEqual(["r1"]);
      await expect(runs.list(workspaceId, {}, { limit: 2, cursor: "WzEuNSwiYSJd" })).rejects.toMatchObject({
        field: "cursor",
      });
    },
  },
  {
    name: "gaps are the sequence numbers that no event and no explained range covers",
    run: async ({ store: { runs, events }, workspaceId }) => {
      const rows = [0, 1, 2, 7, 9, 10, 20].map((seq) => eventRow({ workspaceId, seq }));
      await events.insert(rows);
      const gapped = async () => (await runs.list(workspaceId, { hasGap: true }, { limit: 9 })).items.length;
      expect(await runs.gaps(workspaceId, "r1")).toEqual([
        { from: 3, to: 6 },
        { from: 8, to: 8 },
        { from: 11, to: 19 },
      ]);
      expect(await gapped()).toBe(1);
      const dropped = [
        { runId: "r1", from: 3, to: 6 },
        { runId: "r1", from: 8, to: 8 },
        { runId: "r1", from: 11, to: 15 },
      ];
      await events.insert([eventRow({ workspaceId, seq: 21, kind: "events.dropped", dropped })]);
      expect(await runs.gaps(workspaceId, "r1")).toEqual([{ from: 16, to: 19 }]);
      expect(await runs.get(workspaceId, "r1")).toMatchObject({ eventCount: 8, droppedCount: 10, seqMax: 21 });
      const rest = [{ runId: "r1", from: 16, to: 23 }];
      await events.insert([
        eventRow({ workspaceId, seq: 24, runId: "r2", kind: "events.dropped", dropped: [...rest, ...rest] }),
      ]);
      expect(await runs.gaps(workspaceId, "r1")).toEqual([]);
      expect(await runs.get(workspaceId, "r1")).toMatchObject({ droppedCount: 18, seqMax: 23 });
      expect(await runs.gaps(workspaceId, "r2")).toEqual([{ from: 0, to: 23 }]);
      const wide = [{ runId: "r3", from: 0, to: 10 }];
      await events.insert([
        eventRow({ workspaceId, seq: 3, runId: "r3", eventId: eventIdAt(DAY_MS, 100), dropped: wide }),
        eventRow({ workspaceId, seq: 12, runId: "r3", eventId: eventIdAt(DAY_MS, 101) }),
      ]);
      expect(await runs.gaps(workspaceId, "r3")).toEqual([{ from: 11, to: 11 }]);
    },
  },
  {
    name: "a run's state is written by whoever saw the newest one",
    run: async ({ store: { runStates }, workspaceId, otherId }) => {
      expect(await runStates.put(workspaceId, [state("r1", 1), state("r2", 1)], 10)).toEqual([]);
      expect(await runStates.put(workspaceId, [state("r1", 1), state("r2", 2, '{"a":1}')], 20)).toEqual(["r1"]);
      expect(await runStates.get(workspaceId, "r2")).toEqual(state("r2", 2, '{"a":1}'));
      expect(await runStates.version(workspaceId, "r1")).toBe(1);
      expect(await runStates.version(otherId, "r1")).toBeUndefined();
      const raced = await Promise.all(
        [1, 2, 3].map((n) => runStates.put(workspaceId, [state("r1", 2, `{"n":${n}}`)], 30)),
      );
      expect(raced.filter((refused) => refused.length === 0)).toHaveLength(1);
      expect(await runStates.put(workspaceId, [state("r3", 4)], 30)).toEqual([]);
      const ended = { ...state("r3", 5), isTerminated: true };
      expect(await runStates.put(workspaceId, [ended], 40)).toEqual([]);
      expect(await runStates.get(workspaceId, "r3")).toEqual(ended);
      expect(await runStates.prune(25)).toBeGreaterThanOrEqual(1);
      expect(await runStates.get(workspaceId, "r2")).toBeUndefined();
      expect(await runStates.version(workspaceId, "r1")).toBe(2);
    },
  },
  {
    name: "labels of a session only grow",
    run: async ({ store: { runStates }, workspaceId, otherId }) => {
      await Promise.all([
        runStates.addSessionLabels(workspaceId, "s1", ["private", "untrusted"], 10),
        runStates.addSessionLabels(workspaceId, "s1", ["untrusted", "a"], 11),
      ]);
      await runStates.addSessionLabels(workspaceId, "s1", [], 12);
      expect(await runStates.sessionLabels(workspaceId, "s1")).toEqual(["a", "private", "untrusted"]);
      expect(await runStates.sessionLabels(workspaceId, "s2")).toEqual([]);
      expect(await runStates.sessionLabels(otherId, "s1")).toEqual([]);
    },
  },
];
