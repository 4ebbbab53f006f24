import { toEventTableRow } from "./event-columns.ts";
import { firstEventIdAt } from "./event-time.ts";
import type { EventRow } from "./events-table.ts";
import { type RunDelta, runDeltas, type StoredEvent } from "./run-deltas.ts";
import type { SqliteConnection, Statement } from "./sqlite-connection.ts";

/** Events deleted in one transaction, so that others are not held up. */
const DELETE_SLICE_COUNT = 1_000;

const INSERT_EVENT = `insert into events (workspace_id, event_id, run_id, seq, agent, session_id, actor_external_id, kind,
 ts_ms, tool, verdict, cause, rule_id, json) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 on conflict do nothing`;

const INSERT_DROPPED = `insert into dropped_ranges (workspace_id, run_id, from_seq, to_seq) values (?, ?, ?, ?)
 on conflict do nothing`;

const UPSERT_RUN = `insert into runs (workspace_id, run_id, agent, session_id, actor_external_id, actor, model, tags,
 started_at_ms, ended_at_ms, status, event_count, seq_max, dropped_count, decision_count, block_count, last_event_at_ms)
 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 on conflict (workspace_id, run_id) do update set
 session_id = coalesce(runs.session_id, excluded.session_id),
 actor_external_id = coalesce(runs.actor_external_id, excluded.actor_external_id),
 actor = coalesce(runs.actor, excluded.actor),
 model = coalesce(runs.model, excluded.model),
 tags = case when runs.tags = '{}' then excluded.tags else runs.tags end,
 started_at_ms = min(runs.started_at_ms, excluded.started_at_ms),
 ended_at_ms = case when runs.status is null then excluded.ended_at_ms else runs.ended_at_ms end,
 status = coalesce(runs.status, excluded.status),
 event_count = runs.event_count + excluded.event_count,
 seq_max = max(runs.seq_max, excluded.seq_max),
 dropped_count = runs.dropped_count + excluded.dropped_count,
 decision_count = runs.decision_count + excluded.decision_count,
 block_count = runs.block_count + excluded.block_count,
 last_event_at_ms = max(coalesce(runs.last_event_at_ms, 0), excluded.last_event_at_ms)`;

/** For a run of which everything else is known, so that no index of it is written. */
const COUNT_RUN = `update runs set
 event_count = event_count + ?, seq_max = max(seq_max, ?), dropped_count = dropped_count + ?,
 decision_count = decision_count + ?, block_count = block_count + ?,
 last_event_at_ms = max(coalesce(last_event_at_ms, 0), ?)
 where workspace_id = ? and run_id = ? and started_at_ms <= ?
 and (session_id is not null or ? is null) and (actor_external_id is not null or ? is null)`;

/** Writes events with statements that stay prepared; always inside a transaction of its caller. */
export class SqliteEventWriter {
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** @returns which of them were new, in order. */
  insert(rows: readonly EventRow[]): readonly boolean[] {
    const insertEvent = this.#connection.prepare(INSERT_EVENT);
    const insertDropped = this.#connection.prepare(INSERT_DROPPED);
    const stored: StoredEvent[] = [];
    const isNew = rows.map((row) => {
      if (insertEvent.run(...Object.values(toEventTableRow(row))).changes === 0) return false;
      stored.push({ row, dropped: row.dropped.filter((range) => isNewRange(insertDropped, row.workspaceId, range)) });
      return true;
    });
    for (const delta of runDeltas(stored)) if (!this.#count(delta)) this.#upsert(delta);
    return isNew;
  }

  #count(delta: RunDelta): boolean {
    const saysMore = delta.actor !== undefined || delta.model !== undefined || delta.status !== undefined;
    if (saysMore || Object.keys(delta.tags).length > 0) return false;
    const { changes } = this.#connection
      .prepare(COUNT_RUN)
      .run(
        delta.eventCount,
        delta.seqMax,
        delta.droppedCount,
        delta.decisionCount,
        delta.blockCount,
        delta.lastEventAtMs,
        delta.workspaceId,
        delta.runId,
        delta.startedAtMs,
        delta.sessionId ?? null,
        delta.actorExternalId ?? null,
      );
    return changes === 1;
  }

  #upsert(delta: RunDelta): void {
    this.#connection.prepare(UPSERT_RUN).run(...runValues(delta));
  }

  /** Deletes some of the events made before. */
  deleteSlice(beforeMs: number): { readonly count: number; readonly isDone: boolean } {
    const before = firstEventIdAt(beforeMs);
    const { changes: count } = this.#connection
      .prepare(
        `delete from events where rowid in (select events.rowid from workspaces cross join events
         on events.workspace_id = workspaces.workspace_id where events.event_id < ? limit ${DELETE_SLICE_COUNT})`,
      )
      .run(before);
    return { count, isDone: count < DELETE_SLICE_COUNT };
  }
}

function isNewRange(insert: Statement, workspaceId: string, range: EventRow["dropped"][number]): boolean {
  return insert.run(workspaceId, range.runId, range.from, range.to).changes === 1;
}

function runValues(delta: RunDelta): readonly unknown[] {
  return [
    delta.workspaceId,
    delta.runId,
    delta.agent,
    delta.sessionId ?? null,
    delta.actorExternalId ?? null,
    delta.actor === undefined ? null : JSON.stringify(delta.actor),
    delta.model === undefined ? null : JSON.stringify(delta.model),
    JSON.stringify(delta.tags),
    delta.startedAtMs,
    delta.endedAtMs ?? null,
    delta.status ?? null,
    delta.eventCount,
    delta.seqMax,
    delta.droppedCount,
    delta.decisionCount,
    delta.blockCount,
    delta.lastEventAtMs,
  ];
}
