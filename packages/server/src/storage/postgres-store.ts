import { createTables } from "./kysely-tables.ts";
import { databaseNowMs } from "./postgres-clock.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { refuseUnfinishedCopy } from "./postgres-copy-state.ts";
import { PostgresStoreDialect } from "./postgres-dialect.ts";
import { PostgresListener } from "./postgres-listener.ts";
import { migratePostgres } from "./postgres-migration.ts";
import type { PostgresOptions } from "./postgres-options.ts";
import type { Store } from "./store.ts";

export interface PostgresStoreOptions extends PostgresOptions {
  /** The clock that shared windows and leases go by. Default: the database's, so that those of its processes need not agree. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * Opens a store in a PostgreSQL that any number of processes share, makes or updates its tables, and makes the partitions of the days to come.
 * @throws HandlebarError `HB_CONFIG_INVALID`, `HB_STORE_UNAVAILABLE`, `HB_STORE_TOO_NEW`, `HB_STORE_MIGRATION`.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const connections = new PostgresConnections(options);
  const listener = new PostgresListener(options);
  try {
    await connections.checkServer();
    await refuseUnfinishedCopy(connections);
    await migratePostgres(options);
    const dialect = new PostgresStoreDialect(connections, listener, options.nowMs);
    await dialect.prepareEvents(await databaseNowMs(dialect.reads));
    const tables = createTables(dialect);
    let closing: Promise<void> | undefined;
    return {
      kind: "postgres",
      ...tables.tables,
      ping: async () => {
        await connections.query("select 1");
      },
      close: () => {
        closing ??= (async () => {
          listener.close();
          await tables.idle();
          await connections.end();
        })();
        return closing;
      },
    };
  } catch (error) {
    listener.close();
    await connections.end();
    throw error;
  }
}
