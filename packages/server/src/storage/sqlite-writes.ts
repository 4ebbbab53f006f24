import type { Kysely } from "kysely";
import { sql } from "kysely";
import { SQLITE_COMMIT_QUIET_TURN_COUNT, SQLITE_COMMIT_WRITE_COUNT_MAX } from "../limits.ts";
import type { WriteTransaction } from "./dialect.ts";
import { GroupCommit } from "./group-commit.ts";
import type { Database } from "./schema.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

type Work = (tx: WriteTransaction) => Promise<unknown>;

type Outcome =
  | { readonly value: unknown; readonly changed: readonly string[] }
  | { readonly error: unknown; readonly changed: readonly [] };

/**
 * Write transactions of several callers in one commit, each behind a savepoint of its own: what one of them throws takes back its own changes, and
 * flushing to the disk is paid once.
 */
export class SqliteWrites {
  readonly #db: Kysely<Database>;
  readonly #connection: Pick<SqliteConnection, "isInTransaction">;
  readonly #commits: GroupCommit<Work, Outcome>;
  /** Workspaces that the write under way changed. */
  #changed: string[] = [];

  constructor(db: Kysely<Database>, connection: Pick<SqliteConnection, "isInTransaction">) {
    this.#db = db;
    this.#connection = connection;
    this.#commits = new GroupCommit<Work, Outcome>({
      commit: (works) => this.#commit(works),
      sizeMax: SQLITE_COMMIT_WRITE_COUNT_MAX,
      sizeOf: () => 1,
      underWayMax: 1,
      quietTurnCount: SQLITE_COMMIT_QUIET_TURN_COUNT,
      // What does not fit on a full disk must not keep out what does.
      isAway: () => false,
    });
  }

  /** @returns what `work` gave, and the workspaces that it changed. */
  async write<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<{ value: T; changed: readonly string[] }> {
    const outcome = await this.#commits.submit(work);
    if ("error" in outcome) throw outcome.error;
    // `submit` answers each work with what that work gave.
    return { value: outcome.value as T, changed: outcome.changed };
  }

  /** Notes that the write under way changed a workspace. */
  noteChange(workspaceId: string): void {
    this.#changed.push(workspaceId);
  }

  idle(): Promise<void> {
    return this.#commits.idle();
  }

  #commit(works: readonly Work[]): Promise<readonly Outcome[]> {
    return this.#db.transaction().execute(async (tx) => {
      const outcomes: Outcome[] = [];
      for (const work of works) outcomes.push(await this.#attempt(tx, work));
      return outcomes;
    });
  }

  async #attempt(tx: WriteTransaction, work: Work): Promise<Outcome> {
    this.#changed = [];
    await sql`savepoint one_write`.execute(tx);
    try {
      const value = await work(tx);
      await sql`release one_write`.execute(tx);
      return { value, changed: this.#changed };
    } catch (error) {
      // A full disk takes back all of the transaction.
      if (!this.#connection.isInTransaction) throw error;
      await sql`rollback to one_write`.execute(tx);
      await sql`release one_write`.execute(tx);
      return { error, changed: [] };
    }
  }
}
