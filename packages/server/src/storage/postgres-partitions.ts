import type { PostgresPoolClient } from "kysely";
import { firstEventIdAt, timeInId } from "./event-time.ts";
import type { PostgresConnections } from "./postgres-connections.ts";
import { isTimeout } from "./postgres-errors.ts";

const DAY_MS = 86_400_000;

/** Whole days for which there is a partition before they begin. */
const DAYS_AHEAD = 7;

/** Whole days past for which a new store gets partitions: events that were held back through an outage. */
const DAYS_BEHIND = 1;

/** The most partitions that one call makes: a query that names no time looks into each of them. */
const DAYS_MAX = 400;

/** A transaction holds locks of everything that it makes, and the database has room for some thousands. */
const DAYS_PER_TRANSACTION_MAX = 30;

/** How long everyone else may have to wait for us to get the table for ourselves. */
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_ATTEMPTS_MAX = 5;

/** Rows of the default partition that one statement deletes. */
const PRUNE_SLICE_ROWS = 5_000;

/** One day's events. */
export interface EventPartition {
  readonly name: string;
  /** Epoch milliseconds, inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly untilMs: number;
}

const startOfDay = (timeMs: number): number => Math.floor(timeMs / DAY_MS) * DAY_MS;

const BOUND = /FROM \('([0-9a-f-]+)'\) TO \('([0-9a-f-]+)'\)/;

const nameOf = (dayMs: number): string => `events_${new Date(dayMs).toISOString().slice(0, 10).replaceAll("-", "")}`;

/**
 * The days of `events`, each a partition by range of its UUIDv7 key, so that retention is the dropping of tables. What fits no day is in the partition
 * `events_default`. Any number of processes may do this at once: one table lock, which readers and writers of events do not wait for, sets them in a row.
 */
export class PostgresPartitions {
  readonly #connections: PostgresConnections;

  constructor(connections: PostgresConnections) {
    this.#connections = connections;
  }

  /** Oldest first; without the default one. */
  list(): Promise<readonly EventPartition[]> {
    return this.#connections.transaction((connection) => listPartitions(connection));
  }

  /** Makes the partitions of yesterday, today and the week to come; answers how many were new. */
  prepare(nowMs: number): Promise<number> {
    const today = startOfDay(nowMs);
    return this.ensure(today - DAYS_BEHIND * DAY_MS, today + (DAYS_AHEAD + 1) * DAY_MS);
  }

  /** Makes those partitions between two times that do not exist, with the rows that wait for them in the default one; the newest ones where there are too many. */
  ensure(fromMs: number, untilMs: number): Promise<number> {
    const first = Math.max(startOfDay(fromMs), startOfDay(untilMs - 1) - (DAYS_MAX - 1) * DAY_MS);
    const days: number[] = [];
    for (let day = first; day < untilMs; day += DAY_MS) days.push(day);
    return this.ensureDays(days);
  }

  /** Makes the partitions of the days that hold these times, as `ensure` does. */
  async ensureDays(timesMs: readonly number[]): Promise<number> {
    const known = new Set((await this.list()).map(({ fromMs }) => fromMs));
    const missing = [...new Set(timesMs.map(startOfDay))].filter((day) => !known.has(day)).sort((a, b) => b - a);
    let count = 0;
    for (let at = 0; at < Math.min(missing.length, DAYS_MAX); at += DAYS_PER_TRANSACTION_MAX) {
      count += await this.#createDays(missing.slice(at, Math.min(at + DAYS_PER_TRANSACTION_MAX, DAYS_MAX)));
    }
    return count;
  }

  #createDays(days: readonly number[]): Promise<number> {
    return this.#locked(async (connection) => {
      await connection.query("lock table events in share update exclusive mode", []);
      const there = new Set((await listPartitions(connection)).map(({ fromMs }) => fromMs));
      const missing = days.filter((day) => !there.has(day));
      for (const day of missing) await createPartition(connection, day);
      return missing.length;
    });
  }

  /** Drops the days that ended by `beforeMs`, and deletes older rows of the default partition; answers how many partitions and rows went. */
  async prune(beforeMs: number): Promise<number> {
    let count = 0;
    for (const { name, untilMs } of await this.list()) {
      if (untilMs > beforeMs) continue;
      await this.#locked((connection) => connection.query(`drop table if exists ${name}`, []));
      count += 1;
    }
    for (;;) {
      const rows = await this.#connections.query(
        `delete from events_default where (workspace_id, event_id) in
           (select workspace_id, event_id from events_default where event_id < $1 limit ${PRUNE_SLICE_ROWS}) returning 1`,
        [firstEventIdAt(beforeMs)],
      );
      count += rows.length;
      if (rows.length < PRUNE_SLICE_ROWS) return count;
    }
  }

  /** A transaction that gives up soon where it would have to wait, since others queue behind whoever waits for a table; and tries again. */
  async #locked<T>(work: (connection: PostgresPoolClient) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#connections.transaction(async (connection) => {
          await connection.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`, []);
          return work(connection);
        });
      } catch (error) {
        if (!isTimeout(error) || attempt >= LOCK_ATTEMPTS_MAX) throw error;
      }
    }
  }
}

async function listPartitions(connection: PostgresPoolClient): Promise<readonly EventPartition[]> {
  const { rows } = await connection.query<{ name: string; bound: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = to_regclass('events')`,
    [],
  );
  const partitions: EventPartition[] = [];
  for (const { name, bound } of rows) {
    const [, from, until] = BOUND.exec(bound) ?? [];
    if (from === undefined || until === undefined) continue;
    partitions.push({ name, fromMs: timeInId(from), untilMs: timeInId(until) });
  }
  return partitions.sort((a, b) => a.fromMs - b.fromMs);
}

async function createPartition(connection: PostgresPoolClient, dayMs: number): Promise<void> {
  const name = nameOf(dayMs);
  const from = firstEventIdAt(dayMs);
  const until = firstEventIdAt(dayMs + DAY_MS);
  // Made beside the table and attached: `create table ... partition of` would make readers and writers of every other day wait.
  await connection.query(`create table ${name} (like events including all)`, []);
  await connection.query("lock table events_default in access exclusive mode", []);
  await connection.query(
    `with moved as (delete from events_default where event_id >= $1 and event_id < $2 returning *) insert into ${name} select * from moved`,
    [from, until],
  );
  // A constraint that the rows are known to keep spares the scan of the new table at attaching.
  await connection.query(
    `alter table ${name} add constraint ${name}_day check (event_id >= '${from}' and event_id < '${until}')`,
    [],
  );
  await connection.query(`alter table events attach partition ${name} for values from ('${from}') to ('${until}')`, []);
  await connection.query(`alter table ${name} drop constraint ${name}_day`, []);
}
