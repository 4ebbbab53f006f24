import { SLICE_ROW_COUNT } from "./batches.ts";
import { toEventTableRow } from "./event-columns.ts";
import { firstEventIdAt } from "./event-time.ts";
import type { EventRow } from "./events-table.ts";
import { mergeRunSql, toRunRow } from "./run-columns.ts";
import { type RunDelta, runDeltas, type StoredEvent } from "./run-deltas.ts";
import { mergeShadowSql, type ShadowDelta, shadowDeltas } from "./shadow-deltas.ts";
import type { SqliteConnection, Statement } from "./sqlite-connection.ts";

const INSERT_EVENT = `insert into events (workspace_id, event_id, run_id, seq, agent, session_id, actor_external_id, kind,
 ts_ms, tool, verdict, cause, rule_id, json) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 on conflict do nothing`;

const INSERT_DROPPED = `insert into dropped_ranges (workspace_id, run_id, from_seq, to_seq) values (?, ?, ?, ?)
 on conflict do nothing`;

const UPSERT_RUN = `insert into runs (workspace_id, run_id, agent, session_id, actor_external_id, actor, model, tags,
 started_at_ms, ended_at_ms, status, event_count, seq_max, dropped_count, decision_count, block_count, last_event_at_ms)
 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 ${mergeRunSql({ least: "min", greatest: "max" })}`;

/** For a run of which everything else is known, so that no index of it is written. */
const COUNT_RUN = `update runs set
 event_count = event_count + ?, seq_max = max(seq_max, ?), dropped_count = dropped_count + ?,
 decision_count = decision_count + ?, block_count = block_count + ?,
 last_event_at_ms = max(coalesce(last_event_at_ms, 0), ?)
 where workspace_id = ? and run_id = ? and started_at_ms <= ?
 and (session_id is not null or ? is null) and (actor_external_id is not null or ? is null)`;

/** For the version that came with the revision or last before it; a policy that the control plane does not have counts nowhere. */
const COUNT_SHADOW = `insert into policy_shadow_counts (workspace_id, policy_id, version, decision_count, block_count,
 hold_count, redact_count, first_at_ms, last_at_ms)
 select workspace_id, policy_id, version, ?, ?, ?, ?, ?, ? from policy_versions
 where workspace_id = ? and policy_id = ? and revision <= ? order by version desc limit 1
 ${mergeShadowSql({ least: "min", greatest: "max" })}`;

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
    for (const delta of shadowDeltas(stored.map(({ row }) => row))) this.#countShadow(delta);
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
    this.#connection.prepare(UPSERT_RUN).run(...Object.values(toRunRow(delta)));
  }

  #countShadow(delta: ShadowDelta): void {
    const { decisionCount, blockCount, holdCount, redactCount, firstAtMs, lastAtMs } = delta;
    this.#connection
      .prepare(COUNT_SHADOW)
      .run(
        decisionCount,
        blockCount,
        holdCount,
        redactCount,
        firstAtMs,
        lastAtMs,
        delta.workspaceId,
        delta.policyId,
        delta.revision,
      );
  }

  /** Deletes up to `SLICE_ROW_COUNT` of the events made before. @returns how many went. */
  deleteSlice(beforeMs: number): number {
    return this.#connection
      .prepare(
        `delete from events where rowid in (select events.rowid from workspaces cross join events
         on events.workspace_id = workspaces.workspace_id where events.event_id < ? limit ${SLICE_ROW_COUNT})`,
      )
      .run(firstEventIdAt(beforeMs)).changes;
  }
}

function isNewRange(insert: Statement, workspaceId: string, range: EventRow["dropped"][number]): boolean {
  return insert.run(workspaceId, range.runId, range.from, range.to).changes === 1;
}
