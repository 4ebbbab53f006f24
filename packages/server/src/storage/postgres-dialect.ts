import { type Expression, Kysely, PostgresDialect, type SqlBool, sql } from "kysely";
import type { Lockable, StoreDialect, WriteTransaction } from "./dialect.ts";
import type { EventRow } from "./events-table.ts";
import { databaseNowMs } from "./postgres-clock.ts";
import type { PostgresConnections } from "./postgres-connections.ts";
import { PostgresEventWriter } from "./postgres-event-writer.ts";
import { CHANGES_CHANNEL, type PostgresListener } from "./postgres-listener.ts";
import { PostgresPartitions } from "./postgres-partitions.ts";
import { againAfterLostRace } from "./postgres-retry.ts";
import type { Database } from "./schema.ts";

/** What PostgreSQL does in its own way. */
export class PostgresStoreDialect implements StoreDialect {
  readonly kind = "postgres";
  readonly reads: Kysely<Database>;
  readonly searches: Kysely<Database>;
  readonly partitions: PostgresPartitions;
  readonly #events: PostgresEventWriter;
  readonly #listener: PostgresListener;
  readonly #clock: (() => number) | undefined;

  /** Goes by the database's clock unless it is given another one. */
  constructor(connections: PostgresConnections, listener: PostgresListener, nowMs?: () => number) {
    this.#clock = nowMs;
    this.reads = new Kysely<Database>({ dialect: new PostgresDialect({ pool: connections }) });
    this.searches = this.reads;
    this.partitions = new PostgresPartitions(connections);
    this.#events = new PostgresEventWriter(connections);
    this.#listener = listener;
  }

  write<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<T> {
    return againAfterLostRace(() => this.reads.transaction().setIsolationLevel("read committed").execute(work));
  }

  forUpdate<Q extends Lockable<Q>>(query: Q): Q {
    return query.forUpdate();
  }

  async nowMs(db: Kysely<Database>): Promise<number> {
    return this.#clock === undefined ? databaseNowMs(db) : Math.floor(this.#clock());
  }

  contains(column: Expression<string>, text: string): Expression<SqlBool> {
    // Folded by bytes, as SQLite does it: other letters than those of ASCII are as they are.
    return sql<SqlBool>`strpos(lower(${column} collate "C"), ${asciiLower(text)}) > 0`;
  }

  async notifyChange(tx: WriteTransaction, workspaceId: string): Promise<void> {
    await sql`select pg_notify(${CHANGES_CHANNEL}, ${workspaceId})`.execute(tx);
  }

  listenChanges(onHint: (workspaceId: string) => void): () => void {
    return this.#listener.add(onHint);
  }

  commitEvents(rows: readonly EventRow[]): Promise<readonly boolean[]> {
    return againAfterLostRace(() => this.#events.commit(rows));
  }

  async prepareEvents(nowMs: number): Promise<void> {
    await this.partitions.prepare(nowMs);
  }

  pruneEvents(beforeMs: number): Promise<number> {
    return this.partitions.prune(beforeMs);
  }
}

const asciiLower = (text: string): string => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
