import { setImmediate } from "node:timers/promises";
import { HandlebarError } from "@handlebar/protocol";
import type BetterSqlite3 from "better-sqlite3";
import { type DatabaseConnection, type Expression, Kysely, type SqlBool, sql } from "kysely";
import { inSlices } from "./batches.ts";
import type { Lockable, StoreDialect, WriteTransaction } from "./dialect.ts";
import type { EventRow } from "./events-table.ts";
import type { Database } from "./schema.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { ReadDriver, sqliteDialect, WriteDriver } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-errors.ts";
import { SqliteEventWriter } from "./sqlite-event-writer.ts";
import { SqliteWrites } from "./sqlite-writes.ts";
import { Turns } from "./turns.ts";

/** Pages given back to the disk at a time. */
const SHRINK_PAGE_COUNT = 500;

/** What SQLite does in its own way: one connection writes, another one reads what is committed. */
export class SqliteStoreDialect implements StoreDialect {
  readonly kind = "sqlite";
  readonly reads: Kysely<Database>;
  readonly searches: Kysely<Database>;
  readonly #writes: SqliteWrites;
  readonly #writer: SqliteConnection;
  readonly #events: SqliteEventWriter;
  readonly #turns = new Turns();
  readonly #listeners = new Set<(workspaceId: string) => void>();
  readonly #clock: () => number;

  /** Set while writes fail, until one succeeds again. */
  #isFailing = false;

  constructor(given: {
    readonly writer: BetterSqlite3.Database;
    readonly reader: BetterSqlite3.Database;
    readonly searches: DatabaseConnection;
    readonly nowMs: () => number;
  }) {
    this.#clock = given.nowMs;
    this.#writer = new SqliteConnection(given.writer);
    this.#events = new SqliteEventWriter(this.#writer);
    const driver = new WriteDriver(this.#writer, this.#turns);
    this.#writes = new SqliteWrites(new Kysely<Database>({ dialect: sqliteDialect(driver) }), this.#writer);
    this.reads = new Kysely<Database>({
      dialect: sqliteDialect(new ReadDriver(new SqliteConnection(given.reader))),
    });
    this.searches = new Kysely<Database>({ dialect: sqliteDialect(new ReadDriver(given.searches)) });
  }

  async write<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<T> {
    const { value, changed } = await this.#watch(() => this.#writes.write(work));
    for (const workspaceId of changed) this.#tell(workspaceId);
    return value;
  }

  /** Resolves when writes under way are done. */
  async settle(): Promise<void> {
    await this.#writes.idle();
    const done = await this.#turns.take();
    done();
  }

  /** Tries a write where the last one failed. @throws HandlebarError `HB_STORE_UNAVAILABLE` while it fails. */
  async checkWrites(): Promise<void> {
    if (this.#isFailing) await this.write((tx) => tx.deleteFrom("job_leases").where("until_ms", "<", 0).execute());
  }

  forUpdate<Q extends Lockable<Q>>(query: Q): Q {
    return query;
  }

  async nowMs(): Promise<number> {
    return Math.floor(this.#clock());
  }

  contains(column: Expression<string>, text: string): Expression<SqlBool> {
    return sql<SqlBool>`instr(lower(${column}), lower(${text})) > 0`;
  }

  async notifyChange(_tx: WriteTransaction, workspaceId: string): Promise<void> {
    this.#writes.noteChange(workspaceId);
  }

  listenChanges(onHint: (workspaceId: string) => void): () => void {
    this.#listeners.add(onHint);
    return () => this.#listeners.delete(onHint);
  }

  async commitEvents(rows: readonly EventRow[]): Promise<readonly boolean[]> {
    return this.#writeAtOnce(() => this.#events.insert(rows));
  }

  async prepareEvents(): Promise<void> {
    return;
  }

  async pruneEvents(beforeMs: number): Promise<number> {
    const total = await inSlices(async () => {
      await setImmediate();
      return this.#writeAtOnce(() => this.#events.deleteSlice(beforeMs));
    });
    if (total > 0) await this.#shrink();
    return total;
  }

  /** Gives the pages that nothing uses back to the disk, a few at a time. */
  async #shrink(): Promise<void> {
    for (;;) {
      const done = await this.#turns.take();
      try {
        if (!this.#writer.shrink(SHRINK_PAGE_COUNT)) return;
      } finally {
        done();
      }
      await setImmediate();
    }
  }

  /** Waits for its turn, then does all of it without a pause. */
  async #writeAtOnce<T>(work: () => T): Promise<T> {
    const done = await this.#turns.take();
    return this.#watch(async () => {
      try {
        this.#writer.run("begin immediate");
        const value = work();
        this.#writer.run("commit");
        return value;
      } catch (error) {
        if (this.#writer.isInTransaction) this.#writer.run("rollback");
        throw error;
      } finally {
        done();
      }
    });
  }

  async #watch<T>(write: () => Promise<T>): Promise<T> {
    try {
      const value = await write();
      this.#isFailing = false;
      return value;
    } catch (error) {
      const known = storeError(error);
      if (HandlebarError.is(known) && known.code === "HB_STORE_UNAVAILABLE") this.#isFailing = true;
      throw known;
    }
  }

  #tell(workspaceId: string): void {
    for (const listener of this.#listeners) listener(workspaceId);
  }
}
