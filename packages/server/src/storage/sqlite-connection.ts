import type BetterSqlite3 from "better-sqlite3";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { SQLITE_STATEMENT_COUNT_MAX } from "../limits.ts";
import { storeError } from "./sqlite-errors.ts";

export type Statement = BetterSqlite3.Statement<unknown[], unknown>;

/** Prepared statements of one connection, the least lately used forgotten first. */
export class SqliteStatements {
  readonly #db: BetterSqlite3.Database;
  readonly #known = new Map<string, Statement>();

  constructor(db: BetterSqlite3.Database) {
    this.#db = db;
  }

  prepare(sql: string): Statement {
    const known = this.#known.get(sql);
    if (known !== undefined) {
      this.#known.delete(sql);
      this.#known.set(sql, known);
      return known;
    }
    const statement = this.#db.prepare<unknown[], unknown>(sql);
    this.#known.set(sql, statement);
    const oldest = this.#known.size > SQLITE_STATEMENT_COUNT_MAX ? this.#known.keys().next() : undefined;
    if (oldest?.done === false) this.#known.delete(oldest.value);
    return statement;
  }
}

/** A connection in this thread: each query is done by the time its promise exists. */
export class SqliteConnection implements DatabaseConnection {
  readonly #db: BetterSqlite3.Database;
  readonly #statements: SqliteStatements;

  constructor(db: BetterSqlite3.Database) {
    this.#db = db;
    this.#statements = new SqliteStatements(db);
  }

  get isInTransaction(): boolean {
    return this.#db.inTransaction;
  }

  /** A statement that stays prepared, for what is done very often. */
  prepare(sql: string): Statement {
    return this.#statements.prepare(sql);
  }

  /** Does what gives no rows. */
  run(sql: string): void {
    this.#statements.prepare(sql).run();
  }

  /** Gives up to `pageCount` unused pages back to the disk. @returns whether more are left. */
  shrink(pageCount: number): boolean {
    this.#db.pragma(`incremental_vacuum(${pageCount})`);
    return Number(this.#db.pragma("freelist_count", { simple: true })) > pageCount;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const statement = this.#statements.prepare(sql);
      // Rows have the columns that the query was compiled for.
      if (statement.reader) return { rows: statement.all(...parameters) as R[] };
      const { changes, lastInsertRowid } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    } catch (error) {
      throw storeError(error);
    }
  }

  // biome-ignore lint/correctness/useYield: pages take the place of streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("queries are not streamed; ask for pages");
  }
}
