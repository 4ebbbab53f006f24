import { toJson, toJsonOrNull } from "./json-column.ts";
import type { RunDelta } from "./run-deltas.ts";
import type { RunRow } from "./schema.ts";

/** The columns of a run that new events touch, in the order in which both databases insert them. */
export function toRunRow(delta: RunDelta): RunRow {
  return {
    workspace_id: delta.workspaceId,
    run_id: delta.runId,
    agent: delta.agent,
    session_id: delta.sessionId ?? null,
    actor_external_id: delta.actorExternalId ?? null,
    actor: toJsonOrNull(delta.actor),
    model: toJsonOrNull(delta.model),
    tags: toJson(delta.tags),
    started_at_ms: delta.startedAtMs,
    ended_at_ms: delta.endedAtMs ?? null,
    status: delta.status ?? null,
    event_count: delta.eventCount,
    seq_max: delta.seqMax,
    dropped_count: delta.droppedCount,
    decision_count: delta.decisionCount,
    block_count: delta.blockCount,
    last_event_at_ms: delta.lastEventAtMs,
  };
}

/** What follows an insert into `runs`, so that a run that is there takes the delta on. `least` and `greatest` name the database's own functions. */
export function mergeRunSql({ least, greatest }: { readonly least: string; readonly greatest: string }): string {
  return `on conflict (workspace_id, run_id) do update set
    session_id = coalesce(runs.session_id, excluded.session_id),
    actor_external_id = coalesce(runs.actor_external_id, excluded.actor_external_id),
    actor = coalesce(runs.actor, excluded.actor),
    model = coalesce(runs.model, excluded.model),
    tags = case when runs.tags = '{}' then excluded.tags else runs.tags end,
    started_at_ms = ${least}(runs.started_at_ms, excluded.started_at_ms),
    ended_at_ms = case when runs.status is null then excluded.ended_at_ms else runs.ended_at_ms end,
    status = coalesce(runs.status, excluded.status),
    event_count = runs.event_count + excluded.event_count,
    seq_max = ${greatest}(runs.seq_max, excluded.seq_max),
    dropped_count = runs.dropped_count + excluded.dropped_count,
    decision_count = runs.decision_count + excluded.decision_count,
    block_count = runs.block_count + excluded.block_count,
    last_event_at_ms = ${greatest}(coalesce(runs.last_event_at_ms, 0), excluded.last_event_at_ms)`;
}
