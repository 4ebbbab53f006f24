import { type Kysely, sql } from "kysely";
import { firstEventIdAt } from "./event-time.ts";
import type { EventsTable, StatsBucket } from "./events-table.ts";
import type { Database } from "./schema.ts";

type Range = Parameters<EventsTable["stats"]>[1];

/** Counts of each stretch of time that has any, oldest first. */
export async function eventStats(
  db: Kysely<Database>,
  workspaceId: string,
  range: Range,
): Promise<readonly StatsBucket[]> {
  const [events, runs] = await Promise.all([countEvents(db, workspaceId, range), countRuns(db, workspaceId, range)]);
  const buckets = new Map<number, StatsBucket>();
  for (const row of events) {
    const { start_ms: startMs, events: count, decisions, blocks, held } = row;
    buckets.set(startMs, { startMs, runs: 0, events: count, decisions, blocks, held });
  }
  for (const { start_ms: startMs, runs: count } of runs) {
    const known = buckets.get(startMs) ?? { startMs, runs: 0, events: 0, decisions: 0, blocks: 0, held: 0 };
    buckets.set(startMs, { ...known, runs: count });
  }
  return [...buckets.values()].toSorted((a, b) => a.startMs - b.startMs);
}

interface EventCounts {
  readonly start_ms: number;
  readonly events: number;
  readonly decisions: number;
  readonly blocks: number;
  readonly held: number;
}

async function countEvents(db: Kysely<Database>, workspaceId: string, range: Range): Promise<readonly EventCounts[]> {
  const ofAgent = range.agent === undefined ? sql`` : sql` and agent = ${range.agent}`;
  const { rows } = await sql<EventCounts>`
    select ts_ms - ts_ms % cast(${range.bucketMs} as bigint) as start_ms, count(*) as events,
     sum(case when kind in ('tool.decision', 'llm.decision') then 1 else 0 end) as decisions,
     sum(case when verdict = 'BLOCK' then 1 else 0 end) as blocks,
     sum(case when cause = 'HITL_PENDING' then 1 else 0 end) as held
    from events
    where workspace_id = ${workspaceId} and event_id >= ${firstEventIdAt(range.sinceMs)}
     and event_id < ${firstEventIdAt(range.untilMs)}${ofAgent}
    group by 1`.execute(db);
  return rows;
}

async function countRuns(
  db: Kysely<Database>,
  workspaceId: string,
  range: Range,
): Promise<readonly { readonly start_ms: number; readonly runs: number }[]> {
  const ofAgent = range.agent === undefined ? sql`` : sql` and agent = ${range.agent}`;
  const { rows } = await sql<{ readonly start_ms: number; readonly runs: number }>`
    select started_at_ms - started_at_ms % cast(${range.bucketMs} as bigint) as start_ms, count(*) as runs
    from runs
    where workspace_id = ${workspaceId} and started_at_ms >= ${range.sinceMs} and started_at_ms < ${range.untilMs}${ofAgent}
    group by 1`.execute(db);
  return rows;
}
