import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstEventIdAt } from "./event-time.ts";
import type { EventRow } from "./events-table.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { openTestDatabase, type TestDatabase } from "./postgres-database.test-support.ts";
import { PostgresEventWriter } from "./postgres-event-writer.ts";
import { migratePostgres } from "./postgres-migration.ts";
import { PostgresPartitions } from "./postgres-partitions.ts";
import { againAfterLostRace } from "./postgres-retry.ts";

const NOW_MS = Date.parse("2026-11-23T12:00:00Z");

let database: TestDatabase;
let replicas: readonly PostgresConnections[];
beforeAll(async () => {
  database = await openTestDatabase();
  await migratePostgres({ url: database.url });
  replicas = [1, 2].map(() => new PostgresConnections({ url: database.url, poolSizeMax: 4 }));
});
afterAll(async () => {
  await Promise.all(replicas.map((connections) => connections.end()));
  await database.drop();
});

interface Draft {
  readonly id: number;
  readonly run: number;
  readonly isBlock: boolean;
  readonly drops: readonly number[];
}

const draft: fc.Arbitrary<Draft> = fc.record({
  id: fc.nat(40),
  run: fc.nat(3),
  isBlock: fc.boolean(),
  drops: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.nat(3), { maxLength: 2 }) },
  ),
});

function rowOf(workspaceId: string, { id, run, isBlock, drops }: Draft): EventRow {
  const prefix = firstEventIdAt(NOW_MS + id * 1_000).slice(0, 13);
  return {
    workspaceId,
    eventId: `${prefix}-7000-8000-${String(id).padStart(12, "0")}`,
    runId: `run-${run}`,
    seq: id,
    agent: "support",
    sessionId: undefined,
    actorExternalId: `actor "${run}"`,
    kind: "tool.decision",
    tool: "refund",
    verdict: isBlock ? "BLOCK" : "ALLOW",
    cause: "ALLOW",
    ruleId: undefined,
    json: JSON.stringify({ text: 'quotes " and \\ and \u0000 and ü', id }),
    shadow: {
      revision: 1 + (id % 3),
      outcomes: ["p1", "p2"].map((policyId) => ({ policyId, would: isBlock ? "block" : "nothing" })),
    },
    dropped: drops.map((at) => ({ runId: `run-${at}`, from: 1_000 + id * 10, to: 1_001 + id * 10 })),
  };
}

const distinct = (rows: readonly EventRow[]): readonly EventRow[] => [
  ...new Map(rows.map((row) => [row.eventId, row])).values(),
];

/** What the runs' rows must be, counted anew from the events that are stored. */
const expected = (workspaceId: string) =>
  database.query(
    `with ranges as (select run_id, sum(to_seq - from_seq + 1) as dropped, max(to_seq) as seq_max from dropped_ranges where workspace_id = $1 group by 1),
       stored as (select run_id, count(*) as events, max(seq) as seq_max, count(*) filter (where verdict = 'BLOCK') as blocks
                    from events where workspace_id = $1 group by 1)
     select run_id, coalesce(events, 0)::int as event_count, coalesce(events, 0)::int as decision_count, coalesce(blocks, 0)::int as block_count,
       coalesce(dropped, 0)::int as dropped_count, greatest(stored.seq_max, ranges.seq_max)::int as seq_max
     from stored full join ranges using (run_id) order by run_id`,
    [workspaceId],
  );

const actual = (workspaceId: string) =>
  database.query(
    `select run_id, event_count::int, decision_count::int, block_count::int, dropped_count::int, seq_max::int
     from runs where workspace_id = $1 order by run_id`,
    [workspaceId],
  );

/** Two policies, of which one got a second version with the third revision. */
const withPolicies = (workspaceId: string) =>
  database.query(
    `insert into policy_versions (workspace_id, policy_id, version, created_at_ms, created_by, revision)
     values ($1, 'p1', 1, 1, 'k', 1), ($1, 'p1', 2, 1, 'k', 3), ($1, 'p2', 1, 1, 'k', 1)`,
    [workspaceId],
  );

const shadowCounts = (workspaceId: string) =>
  database.query(
    `select policy_id, version::int, decision_count::int, block_count::int from policy_shadow_counts
     where workspace_id = $1 order by policy_id, version`,
    [workspaceId],
  );

const expectedCounts = (workspaceId: string) =>
  database.query(
    `with decided as (select 'p1' as policy_id, case when seq % 3 = 2 then 2 else 1 end as version, verdict
       from events where workspace_id = $1 union all select 'p2', 1, verdict from events where workspace_id = $1)
     select policy_id, version, count(*)::int as decision_count, (count(*) filter (where verdict = 'BLOCK'))::int as block_count
     from decided group by 1, 2 order by 1, 2`,
    [workspaceId],
  );

describe("PostgresEventWriter", () => {
  it("stores each event once and counts it once, whatever comes twice or at the same time from two replicas", async () => {
    let caseCount = 0;
    const batches = fc.array(fc.array(draft, { maxLength: 12 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(batches, async (drafts) => {
        caseCount += 1;
        const workspaceId = `w${caseCount}`;
        // An event is the same whenever it comes, as its id says.
        const known = new Map<number, Draft>();
        for (const one of drafts.flat()) if (!known.has(one.id)) known.set(one.id, one);
        const rows = drafts.map((batch) => distinct(batch.map((one) => rowOf(workspaceId, known.get(one.id) ?? one))));
        await withPolicies(workspaceId);
        const answers = await Promise.all(
          rows.map((batch, at) => {
            const connections = replicas[at % replicas.length];
            if (connections === undefined) return [];
            return againAfterLostRace(() => new PostgresEventWriter(connections).commit(batch));
          }),
        );
        expect(answers.map(({ length }) => length)).toEqual(rows.map(({ length }) => length));
        expect(answers.flat().filter(Boolean).length).toBe(known.size);
        const stored = await database.query<{ event_id: string; json: string }>(
          "select event_id, json from events where workspace_id = $1 order by event_id",
          [workspaceId],
        );
        const all = distinct(rows.flat()).toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1));
        expect(stored).toEqual(all.map(({ eventId, json }) => ({ event_id: eventId, json })));
        expect(await actual(workspaceId)).toEqual(await expected(workspaceId));
        expect(await shadowCounts(workspaceId)).toEqual(await expectedCounts(workspaceId));
      }),
      { numRuns: 60 },
    );
  });

  it("stores events while the partitions of their day are made", async () => {
    const [connections] = replicas;
    if (connections === undefined) return;
    const writer = new PostgresEventWriter(connections);
    const ids = Array.from({ length: 200 }, (_, id) => id);
    const writing = Promise.all(
      ids.map((id) =>
        againAfterLostRace(() => writer.commit([rowOf("busy", { id, run: 0, isBlock: false, drops: [] })])),
      ),
    );
    const made = await new PostgresPartitions(connections).prepare(NOW_MS);
    expect(made).toBe(9);
    expect((await writing).flat()).toEqual(ids.map(() => true));
    expect(await actual("busy")).toEqual(await expected("busy"));
  });
});
