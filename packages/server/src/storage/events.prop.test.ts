import type { Policy } from "@handlebar/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventRow } from "./contract/contract-case.test-support.ts";
import { openTestStore } from "./test-store.test-support.ts";

/** Batches of several senders, in which the same event may come again and again. */
const batches = fc.array(fc.array(fc.tuple(fc.nat(3), fc.nat(24)), { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 12,
});

const TRIED: Policy = { id: "p", name: "p", mode: "shadow", rules: [] };

describe("ingest", () => {
  it("stores each event once and answers once that it was new, whoever brings it and when", async () => {
    const store = await openTestStore();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        round += 1;
        const workspaceId = `round ${round}`;
        await store.workspaces.create({ workspaceId, name: "w", createdAtMs: 0 });
        await store.policies.write(workspaceId, [{ policyId: "p", policy: TRIED }], { keyId: "k", nowMs: 1 });
        const rows = given.map((batch) =>
          batch.map(([run, seq]) => {
            const ends = run === 3 ? ({ kind: "tool.decision", verdict: "BLOCK" } as const) : {};
            const would = run === 3 ? "block" : "nothing";
            const shadow = { revision: 1 + run, outcomes: [{ policyId: "p", would } as const] };
            return eventRow({ workspaceId, seq: seq + 100 * run, runId: `run ${run}`, shadow, ...ends });
          }),
        );
        const answers = await Promise.all(rows.map((batch) => store.events.insert(batch)));
        const news = rows.flatMap((batch, at) =>
          batch.filter((_, place) => answers[at]?.[place]).map(({ eventId }) => eventId),
        );
        const distinct = new Map(rows.flat().map((row) => [row.eventId, row]));
        expect(news.toSorted()).toEqual([...distinct.keys()].toSorted());
        const { items } = await store.events.scan(workspaceId, {}, { limit: 1_000 });
        expect(items.map(({ eventId }) => eventId)).toEqual([...distinct.keys()].toSorted());
        expect(await store.policies.shadowCounts(workspaceId)).toMatchObject([
          {
            decisionCount: distinct.size,
            blockCount: [...distinct.values()].filter(({ runId }) => runId === "run 3").length,
          },
        ]);
        for (const run of (await store.runs.list(workspaceId, {}, { limit: 10 })).items) {
          const own = [...distinct.values()].filter(({ runId }) => runId === run.runId);
          expect(run).toMatchObject({
            eventCount: own.length,
            seqMax: Math.max(...own.map(({ seq }) => seq)),
            blockCount: run.runId === "run 3" ? own.length : 0,
          });
          const missing = (await store.runs.gaps(workspaceId, run.runId)).reduce(
            (sum, { from, to }) => sum + to - from + 1,
            0,
          );
          expect(missing).toBe(run.seqMax + 1 - own.length);
        }
      }),
      { numRuns: 60 },
    );
    await store.close();
  });
});
