import { sql } from "kysely";
import { createTables } from "./kysely-tables.ts";
import { SqliteStoreDialect } from "./sqlite-dialect.ts";
import { openForReading, openSqliteFile } from "./sqlite-file.ts";
import type { SqliteFileOptions } from "./sqlite-file-options.ts";
import { SqliteSearches } from "./sqlite-searches.ts";
import type { Store } from "./store.ts";

/** Where and how the embedded store keeps its data. */
export interface SqliteStoreConfig extends SqliteFileOptions {
  /** Made when it does not exist. */
  readonly folder: string;
  /** `full` (default) loses nothing to a power cut; `normal` is faster and may then lose the last commits, but never harms the file. */
  readonly durability?: "full" | "normal" | undefined;
  /** The clock that shared windows and leases go by. Default: the machine's. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * Opens the embedded store, making or migrating it as needed.
 * @throws HandlebarError `HB_STORE_LOCKED`, `HB_STORE_NETWORK_FS`, `HB_STORE_TOO_NEW`, `HB_STORE_MIGRATION`, `HB_STORE_UNAVAILABLE`.
 */
export async function openSqliteStore(config: SqliteStoreConfig): Promise<Store> {
  const file = await openSqliteFile(config.folder, config);
  const reader = openForReading(file.path);
  const searches = new SqliteSearches(file.path);
  const dialect = new SqliteStoreDialect({ writer: file.db, reader, searches, nowMs: config.nowMs ?? Date.now });
  const { tables, idle } = createTables(dialect);
  let closing: Promise<void> | undefined;
  return {
    kind: "sqlite",
    ...tables,
    ping: async () => {
      await sql`select 1 from schema_versions limit 1`.execute(dialect.reads);
      await dialect.checkWrites();
    },
    close: () => {
      closing ??= (async () => {
        await idle();
        await dialect.settle();
        await searches.close();
        reader.close();
        await file.close();
      })();
      return closing;
    },
  };
}
