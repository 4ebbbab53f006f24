import type { Actor, Model, RunStatus } from "@handlebar/protocol";
import { sql } from "kysely";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect } from "./dialect.ts";
import { fromJson, fromJsonOrNull, toJson, toJsonOrNull } from "./json-column.ts";
import { runGaps } from "./kysely-run-gaps.ts";
import type { PageRequest } from "./page.ts";
import type { RunFilter, RunRecord, RunsTable } from "./runs-table.ts";
import type { RunRow } from "./schema.ts";

export function createRunsTable(dialect: StoreDialect): RunsTable {
  return {
    start: (run) => start(dialect, run),
    end: async (workspaceId, runId, { agent, status, atMs }) => {
      const row = { ...emptyRun(workspaceId, runId, agent), started_at_ms: atMs, ended_at_ms: atMs, status };
      await dialect.write((tx) =>
        tx
          .insertInto("runs")
          .values(row)
          .onConflict((conflict) =>
            conflict
              .columns(["workspace_id", "run_id"])
              .doUpdateSet({ ended_at_ms: atMs, status })
              .where("runs.status", "is", null),
          )
          .execute(),
      );
    },
    get: async (workspaceId, runId) => {
      const row = await dialect.reads
        .selectFrom("runs")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where("run_id", "=", runId)
        .executeTakeFirst();
      return row === undefined ? undefined : toRun(row);
    },
    list: async (workspaceId, filter, page) => {
      const rows = await search(dialect, workspaceId, { filter, page }).execute();
      return pageOf(rows, { page, item: toRun, key: (row) => [row.started_at_ms, row.run_id] });
    },
    gaps: (workspaceId, runId) => runGaps(dialect.searches, workspaceId, runId),
  };
}

async function start(dialect: StoreDialect, run: Parameters<RunsTable["start"]>[0]): Promise<void> {
  const row: RunRow = {
    ...emptyRun(run.workspaceId, run.runId, run.agent),
    session_id: run.sessionId ?? null,
    actor_external_id: run.actor?.externalId ?? null,
    actor: toJsonOrNull(run.actor),
    model: toJsonOrNull(run.model),
    tags: toJson(run.tags),
    started_at_ms: run.startedAtMs,
  };
  await dialect.write((tx) =>
    tx
      .insertInto("runs")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["workspace_id", "run_id"]).doUpdateSet(({ fn, ref }) => ({
          session_id: fn.coalesce(ref("runs.session_id"), ref("excluded.session_id")),
          actor_external_id: fn.coalesce(ref("runs.actor_external_id"), ref("excluded.actor_external_id")),
          actor: fn.coalesce(ref("runs.actor"), ref("excluded.actor")),
          model: fn.coalesce(ref("runs.model"), ref("excluded.model")),
          tags: sql<string>`case when ${ref("runs.tags")} = '{}' then ${ref("excluded.tags")} else ${ref("runs.tags")} end`,
          started_at_ms: sql<number>`case when ${ref("excluded.started_at_ms")} < ${ref("runs.started_at_ms")}
            then ${ref("excluded.started_at_ms")} else ${ref("runs.started_at_ms")} end`,
        })),
      )
      .execute(),
  );
}

function emptyRun(workspaceId: string, runId: string, agent: string): Omit<RunRow, "started_at_ms"> {
  return {
    workspace_id: workspaceId,
    run_id: runId,
    agent,
    session_id: null,
    actor_external_id: null,
    actor: null,
    model: null,
    tags: "{}",
    ended_at_ms: null,
    status: null,
    event_count: 0,
    seq_max: -1,
    dropped_count: 0,
    decision_count: 0,
    block_count: 0,
    last_event_at_ms: null,
  };
}

function search(
  dialect: StoreDialect,
  workspaceId: string,
  { filter, page }: { readonly filter: RunFilter; readonly page: PageRequest },
) {
  const { agent, sessionId, actorExternalId, status, sinceMs, untilMs, hasGap } = filter;
  let query = dialect.searches.selectFrom("runs").selectAll().where("workspace_id", "=", workspaceId);
  if (agent !== undefined) query = query.where("agent", "=", agent);
  if (sessionId !== undefined) query = query.where("session_id", "=", sessionId);
  if (actorExternalId !== undefined) query = query.where("actor_external_id", "=", actorExternalId);
  if (status === "open") query = query.where("status", "is", null);
  else if (status !== undefined) query = query.where("status", "=", status);
  if (sinceMs !== undefined) query = query.where("started_at_ms", ">=", sinceMs);
  if (untilMs !== undefined) query = query.where("started_at_ms", "<", untilMs);
  if (hasGap === true) query = query.where(sql<boolean>`event_count + dropped_count < seq_max + 1`);
  if (page.cursor !== undefined) {
    const [startedAtMs, runId] = readCursor(page.cursor, ["number", "string"]);
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("started_at_ms", "run_id"), "<", tuple(Number(startedAtMs), String(runId))),
    );
  }
  return query
    .orderBy("started_at_ms", "desc")
    .orderBy("run_id", "desc")
    .limit(page.limit + 1);
}

function toRun(row: RunRow): RunRecord {
  return {
    workspaceId: row.workspace_id,
    runId: row.run_id,
    agent: row.agent,
    sessionId: row.session_id ?? undefined,
    actor: fromJsonOrNull<Actor>(row.actor) ?? actorOf(row.actor_external_id),
    model: fromJsonOrNull<Model>(row.model),
    tags: fromJson<Readonly<Record<string, string>>>(row.tags),
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms ?? undefined,
    // Only a `RunStatus` is written there.
    status: (row.status ?? undefined) as RunStatus | undefined,
    eventCount: row.event_count,
    seqMax: row.seq_max,
    droppedCount: row.dropped_count,
    decisionCount: row.decision_count,
    blockCount: row.block_count,
    lastEventAtMs: row.last_event_at_ms ?? undefined,
  };
}

/** What events say of the actor before the run's start came. */
function actorOf(externalId: string | null): Actor | undefined {
  return externalId === null ? undefined : { externalId };
}
