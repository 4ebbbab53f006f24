import type { PostgresPoolClient } from "kysely";
import type { DroppedRange, EventRow } from "./events-table.ts";
import type { PostgresConnections } from "./postgres-connections.ts";
import { isNotAllNew } from "./postgres-errors.ts";
import {
  countShadowsStatement,
  insertAllNewStatement,
  insertDroppedStatement,
  insertEventsStatement,
  type OwnedRange,
  upsertRunsStatement,
} from "./postgres-event-statements.ts";
import { runDeltas, type StoredEvent } from "./run-deltas.ts";
import { shadowDeltas } from "./shadow-deltas.ts";

/** Writes batches of events. */
export class PostgresEventWriter {
  readonly #connections: PostgresConnections;

  constructor(connections: PostgresConnections) {
    this.#connections = connections;
  }

  /**
   * Stores events and keeps the counters of runs and of policies in shadow, all or nothing. No event comes twice in `rows`.
   * @returns which were new, in order.
   */
  async commit(rows: readonly EventRow[]): Promise<readonly boolean[]> {
    if (rows.length === 0) return [];
    // What is there already, or dropped, is known only afterwards; nearly always it is nothing, and one round trip does.
    if (rows.every(({ dropped }) => dropped.length === 0) && (await this.#commitAllNew(rows))) {
      return rows.map(() => true);
    }
    return this.#connections.transaction((connection) => commitSome(connection, rows));
  }

  /** False when some were there already; then nothing was done. */
  async #commitAllNew(rows: readonly EventRow[]): Promise<boolean> {
    const runs = runDeltas(rows.map((row) => ({ row, dropped: [] })));
    const deltas = { runs, shadows: shadowDeltas(rows) };
    const { text, values } = insertAllNewStatement(rows, deltas);
    try {
      await this.#connections.query(text, values);
      return true;
    } catch (error) {
      if (isNotAllNew(error)) return false;
      throw error;
    }
  }
}

async function commitSome(connection: PostgresPoolClient, rows: readonly EventRow[]): Promise<readonly boolean[]> {
  const insert = insertEventsStatement(rows);
  const stored = await connection.query<{ workspace_id: string; event_id: string }>(insert.text, insert.values);
  const newKeys = new Set(stored.rows.map((row) => eventKey(row.workspace_id, row.event_id)));
  const isNew = rows.map((row) => newKeys.has(eventKey(row.workspaceId, row.eventId)));
  const events = await withNewRanges(
    connection,
    rows.filter((_, at) => isNew[at]),
  );
  const deltas = runDeltas(events);
  if (deltas.length > 0) {
    const upsert = upsertRunsStatement(deltas);
    await connection.query(upsert.text, upsert.values);
  }
  const shadows = shadowDeltas(events.map(({ row }) => row));
  if (shadows.length > 0) {
    const count = countShadowsStatement(shadows);
    await connection.query(count.text, count.values);
  }
  return isNew;
}

/** Each event with those of its dropped ranges that no event named before. */
async function withNewRanges(
  connection: PostgresPoolClient,
  rows: readonly EventRow[],
): Promise<readonly StoredEvent[]> {
  const ranges = new Map<string, OwnedRange>();
  for (const { workspaceId, dropped } of rows) {
    for (const range of dropped) ranges.set(rangeKey(workspaceId, range), { ...range, workspaceId });
  }
  if (ranges.size === 0) return rows.map((row) => ({ row, dropped: [] }));
  const insert = insertDroppedStatement([...ranges.values()]);
  const stored = await connection.query<{ workspace_id: string; run_id: string; from_seq: number; to_seq: number }>(
    insert.text,
    insert.values,
  );
  const news = new Set(
    stored.rows.map((row) => rangeKey(row.workspace_id, { runId: row.run_id, from: row.from_seq, to: row.to_seq })),
  );
  // A range that two events of the batch name counts with the first of them.
  return rows.map((row) => ({
    row,
    dropped: row.dropped.filter((range) => news.delete(rangeKey(row.workspaceId, range))),
  }));
}

const eventKey = (workspaceId: string, eventId: string): string => `${eventId}${workspaceId}`;

const rangeKey = (workspaceId: string, { runId, from, to }: DroppedRange): string =>
  JSON.stringify([workspaceId, runId, from, to]);
