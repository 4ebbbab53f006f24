import type { AuditEvent } from "@handlebar/protocol";
import { type ExpressionBuilder, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { inSlices, SLICE_ROW_COUNT } from "./batches.ts";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect } from "./dialect.ts";
import { createEventInserts } from "./event-inserts.ts";
import { firstEventIdAt } from "./event-time.ts";
import type { EventFilter, EventsTable } from "./events-table.ts";
import { fromJson } from "./json-column.ts";
import { eventStats } from "./kysely-event-stats.ts";
import type { Page, PageRequest } from "./page.ts";
import type { Database } from "./schema.ts";

export function createEventsTable(dialect: StoreDialect): EventsTable & { idle(): Promise<void> } {
  return {
    ...createEventInserts(dialect),
    get: async (workspaceId, eventId) => {
      const row = await dialect.reads
        .selectFrom("events")
        .select("json")
        .where("workspace_id", "=", workspaceId)
        .where("event_id", "=", eventId.toLowerCase())
        .executeTakeFirst();
      return row === undefined ? undefined : toEvent(row);
    },
    search: async (workspaceId, filter, page) => {
      const query = matching(dialect, workspaceId, filter);
      if (filter.runId !== undefined) return inRunOrder(query, page);
      return inIdOrder(query, { id: idFor(filter), page, direction: "desc" });
    },
    scan: (workspaceId, filter, page) =>
      inIdOrder(matching(dialect, workspaceId, filter), { id: idFor(filter), page, direction: "asc" }),
    stats: (workspaceId, range) => eventStats(dialect.searches, workspaceId, range),
    prepare: (nowMs) => dialect.prepareEvents(nowMs),
    prune: async (beforeMs) => {
      const count = await dialect.pruneEvents(beforeMs);
      await pruneRuns(dialect, beforeMs);
      return count;
    },
  };
}

interface Found {
  readonly event_id: string;
  readonly seq: number;
  readonly json: string;
}
type SearchPage = Parameters<EventsTable["search"]>[2];
type Query = SelectQueryBuilder<Database, "events", Found>;

function matching(dialect: StoreDialect, workspaceId: string, filter: EventFilter): Query {
  const { runId, sessionId, agent, actorExternalId, kinds, tool, verdict, cause, ruleId, text } = filter;
  let query = dialect.searches
    .selectFrom("events")
    .select(["event_id", "seq", "json"])
    .where("workspace_id", "=", workspaceId);
  const id = idFor(filter);
  if (filter.sinceMs !== undefined) query = query.where(id, ">=", firstEventIdAt(filter.sinceMs));
  if (filter.untilMs !== undefined) query = query.where(id, "<", firstEventIdAt(filter.untilMs));
  if (runId !== undefined) query = query.where("run_id", "=", runId);
  if (agent !== undefined) query = query.where("agent", "=", agent);
  if (kinds !== undefined) query = query.where("kind", "in", [...kinds]);
  if (tool !== undefined) query = query.where("tool", "=", tool);
  if (verdict !== undefined) query = query.where("verdict", "=", verdict);
  if (cause !== undefined) query = query.where("cause", "=", cause);
  if (ruleId !== undefined) query = query.where("rule_id", "=", ruleId);
  if (sessionId !== undefined)
    query = query.where("session_id", "=", sessionId).where(inRunsOf(workspaceId, sessionId));
  if (actorExternalId !== undefined) query = query.where("actor_external_id", "=", actorExternalId);
  // As it stands inside a JSON text.
  const inJson = text === undefined ? undefined : JSON.stringify(text).slice(1, -1);
  return inJson === undefined ? query : query.where(({ ref }) => dialect.contains(ref("json"), inJson));
}

function inRunsOf(workspaceId: string, sessionId: string) {
  return ({ eb, selectFrom }: ExpressionBuilder<Database, "events">) =>
    eb(
      "run_id",
      "in",
      selectFrom("runs").select("run_id").where("workspace_id", "=", workspaceId).where("session_id", "=", sessionId),
    );
}

/**
 * What events are ordered by. A session has few events among all: they are found by its runs and then sorted, which an expression in the key's place
 * makes the database do.
 */
function idFor({ sessionId }: EventFilter): RawBuilder<string> {
  return sessionId === undefined ? sql<string>`event_id` : sql<string>`event_id || ''`;
}

interface IdOrder {
  readonly id: RawBuilder<string>;
  readonly page: PageRequest;
  readonly direction: "asc" | "desc";
}

async function inIdOrder(query: Query, { id, page, direction }: IdOrder): Promise<Page<AuditEvent>> {
  let after = query;
  if (page.cursor !== undefined) {
    const [eventId] = readCursor(page.cursor, ["string"]);
    after = query.where(id, direction === "asc" ? ">" : "<", String(eventId));
  }
  const rows = await after
    .orderBy(id, direction)
    .limit(page.limit + 1)
    .execute();
  return pageOf(rows, { page, item: toEvent, key: (row) => [row.event_id] });
}

/** By sequence number, where the run's index has them. */
async function inRunOrder(query: Query, page: SearchPage): Promise<Page<AuditEvent>> {
  const isForward = page.order === "seq";
  let after = query;
  if (page.cursor !== undefined) {
    const [seq, eventId] = readCursor(page.cursor, ["number", "string"]);
    after = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("seq", "event_id"), isForward ? ">" : "<", tuple(Number(seq), String(eventId))),
    );
  }
  const direction = isForward ? "asc" : "desc";
  const rows = await after
    .orderBy("seq", direction)
    .orderBy("event_id", direction)
    .limit(page.limit + 1)
    .execute();
  return pageOf(rows, { page, item: toEvent, key: (row) => [row.seq, row.event_id] });
}

/** Runs whose last event is gone, workspace by workspace. */
async function pruneRuns(dialect: StoreDialect, beforeMs: number): Promise<void> {
  const workspaces = await dialect.reads.selectFrom("workspaces").select("workspace_id").execute();
  for (const { workspace_id: workspaceId } of workspaces) {
    await inSlices(() => deleteRuns(dialect, workspaceId, beforeMs));
  }
}

function deleteRuns(dialect: StoreDialect, workspaceId: string, beforeMs: number): Promise<number> {
  return dialect.write(async (tx) => {
    const old = await tx
      .selectFrom("runs")
      .select("run_id")
      .where("workspace_id", "=", workspaceId)
      .where("started_at_ms", "<", beforeMs)
      .where((eb) => eb(eb.fn.coalesce("last_event_at_ms", "started_at_ms"), "<", beforeMs))
      .limit(SLICE_ROW_COUNT)
      .execute();
    const runIds = old.map((row) => row.run_id);
    if (runIds.length === 0) return 0;
    for (const table of ["dropped_ranges", "runs"] as const) {
      await tx.deleteFrom(table).where("workspace_id", "=", workspaceId).where("run_id", "in", runIds).execute();
    }
    return runIds.length;
  });
}

/** Only events that were checked against their schema are written. */
function toEvent(row: { readonly json: string }): AuditEvent {
  return fromJson<AuditEvent>(row.json);
}
