import { Kysely, PostgresDialect, sql } from "kysely";
import type { WriteTransaction } from "./dialect.ts";
import type { Migration, MigrationContext } from "./migration.ts";
import { type MigrationOutcome, migrate } from "./migrator.ts";
import { databaseNowMs } from "./postgres-clock.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { isDuplicate } from "./postgres-errors.ts";
import type { PostgresOptions } from "./postgres-options.ts";
import type { Database } from "./schema.ts";

/** An index on a large table takes its time, and a replica that starts meanwhile waits for it. */
const MIGRATION_TIMEOUT_MS = 6 * 3_600_000;

/** Several replicas that start on an empty database may each fail to make the same table, and then find it. */
const CREATE_ATTEMPTS_MAX = 10;

/** The column types of PostgreSQL. Text is sorted by its bytes, as SQLite sorts it, whatever the database's language. */
function postgresMigrationContext(tx: WriteTransaction): MigrationContext {
  return { tx, kind: "postgres", text: sql`text collate "C"`, bigint: "bigint", double: "double precision" };
}

/**
 * Brings the schema to this version, in one transaction; replicas that start together do it one after the other, and all but the first find it done.
 * A row lock sets them in a row: advisory locks do not exist on every kind of PostgreSQL.
 * @throws HandlebarError `HB_STORE_TOO_NEW`, `HB_STORE_MIGRATION`, `HB_STORE_UNAVAILABLE`.
 */
export async function migratePostgres(
  options: PostgresOptions,
  migrations?: readonly Migration[],
): Promise<MigrationOutcome> {
  const connections = new PostgresConnections({ ...options, poolSizeMax: 1 }, MIGRATION_TIMEOUT_MS);
  const database = new Kysely<Database>({ dialect: new PostgresDialect({ pool: connections }) });
  try {
    await createLock(connections);
    return await database.transaction().execute(async (tx) => {
      // For this transaction alone: a pooler would hand a connection's own settings on to others.
      await sql.raw(`set local statement_timeout = ${MIGRATION_TIMEOUT_MS}`).execute(tx);
      await sql`select name from schema_lock where name = 'schema' for update`.execute(tx);
      return migrate(postgresMigrationContext(tx), { nowMs: await databaseNowMs(tx), migrations });
    });
  } finally {
    await connections.end();
  }
}

async function createLock(connections: PostgresConnections): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await connections.query("create table if not exists schema_lock (name text primary key)");
      await connections.query("insert into schema_lock (name) values ('schema') on conflict do nothing");
      return;
    } catch (error) {
      if (!isDuplicate(error) || attempt >= CREATE_ATTEMPTS_MAX) throw error;
    }
  }
}
