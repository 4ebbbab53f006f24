import type { Expression, Kysely, SqlBool, Transaction } from "kysely";
import type { EventRow } from "./events-table.ts";
import type { Database } from "./schema.ts";

/** A write under way. */
export type WriteTransaction = Transaction<Database>;

/** What the two databases do each in its own way; every query beyond it is shared. */
export interface StoreDialect {
  readonly kind: "sqlite" | "postgres";
  /** Look-ups that find few rows by a key. */
  readonly reads: Kysely<Database>;
  /** Searches and sums over many rows, away from what must be quick. */
  readonly searches: Kysely<Database>;
  /**
   * One write transaction, durable once it resolves; nothing of it was done when it rejects. `work` may run again after a conflict with another
   * process, so it changes nothing beyond the transaction, and it waits for nothing else.
   */
  write<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<T>;
  /** Locks the rows that a query finds until the transaction ends. Many rows are locked in the order of their key. */
  forUpdate<Q extends Lockable<Q>>(query: Q): Q;
  /** The database's clock at this moment, whole epoch milliseconds. */
  nowMs(db: Kysely<Database>): Promise<number>;
  /** True where `column` holds `text` as it stands, whatever the case of ASCII letters. */
  contains(column: Expression<string>, text: string): Expression<SqlBool>;
  /** Tells listeners of every process that a workspace changed, once the transaction is committed. */
  notifyChange(tx: WriteTransaction, workspaceId: string): Promise<void>;
  /** @returns a function that ends it. */
  listenChanges(onHint: (workspaceId: string) => void): () => void;
  /** Stores events and keeps their runs' counters in one transaction. No event comes twice in `rows`. @returns which were new, in order. */
  commitEvents(rows: readonly EventRow[]): Promise<readonly boolean[]>;
  /** Makes room for events to come. */
  prepareEvents(nowMs: number): Promise<void>;
  /** Deletes events whose ids were made before; returns how many rows or partitions went. */
  pruneEvents(beforeMs: number): Promise<number>;
}

/** A query that can lock what it finds. */
export interface Lockable<Q> {
  forUpdate(): Q;
}
