import type { ServerLog } from "../services/server-log.ts";
import { openPostgresStore } from "../storage/postgres-store.ts";
import { openSqliteStore } from "../storage/sqlite-store.ts";
import type { Store } from "../storage/store.ts";
import type { ServerConfig } from "./config.ts";

/**
 * Opens the store that the configuration names, and brings its tables up to date: PostgreSQL where there is a `databaseUrl`, else SQLite.
 * @throws HandlebarError `HB_STORE_LOCKED`, `HB_STORE_NETWORK_FS`, `HB_STORE_TOO_NEW`, `HB_STORE_MIGRATION`, `HB_STORE_UNAVAILABLE`.
 */
export function openStore(config: ServerConfig, log: ServerLog): Promise<Store> {
  const { databaseUrl, databaseListenUrl, databaseConnectionCountMax, folder, durability } = config;
  if (databaseUrl === undefined) return openSqliteStore({ folder, durability });
  return openPostgresStore({
    url: databaseUrl,
    directUrl: databaseListenUrl,
    poolSizeMax: databaseConnectionCountMax,
    onProblem: (error) => log.warn({ err: error }, "the connection to PostgreSQL has a problem; it is made again"),
  });
}
