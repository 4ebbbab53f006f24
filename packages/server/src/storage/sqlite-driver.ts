import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { SqliteConnection } from "./sqlite-connection.ts";
import type { Turns } from "./turns.ts";

/** Kysely's SQLite over connections of ours. */
export function sqliteDialect(driver: Driver): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Reads of one connection that many share at a time. */
export class ReadDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {
    return;
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  beginTransaction(): Promise<void> {
    return Promise.reject(new Error("this connection only reads; use the store's `write`"));
  }

  async commitTransaction(): Promise<void> {
    return;
  }

  async rollbackTransaction(): Promise<void> {
    return;
  }

  async releaseConnection(): Promise<void> {
    return;
  }

  async destroy(): Promise<void> {
    return;
  }
}

/** The one connection that writes; whoever has it holds off all others. */
export class WriteDriver extends ReadDriver {
  readonly #connection: SqliteConnection;
  readonly #turns: Turns;
  #done: (() => void) | undefined;

  constructor(connection: SqliteConnection, turns: Turns) {
    super(connection);
    this.#connection = connection;
    this.#turns = turns;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#done = await this.#turns.take();
    return this.#connection;
  }

  override async releaseConnection(): Promise<void> {
    this.#done?.();
  }

  override async beginTransaction(): Promise<void> {
    this.#connection.run("begin immediate");
  }

  override async commitTransaction(): Promise<void> {
    this.#connection.run("commit");
  }

  override async rollbackTransaction(): Promise<void> {
    // A commit that failed may have rolled back already.
    if (this.#connection.isInTransaction) this.#connection.run("rollback");
  }
}
