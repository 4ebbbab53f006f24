import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { migrate } from "./migrator.ts";
import type { Database as Tables } from "./schema.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { sqliteDialect, WriteDriver } from "./sqlite-driver.ts";
import { storeError, unavailable } from "./sqlite-errors.ts";
import type { SqliteFileOptions } from "./sqlite-file-options.ts";
import { holdFolder } from "./sqlite-folder.ts";
import { Turns } from "./turns.ts";

const BUSY_TIMEOUT_MS = 5_000;
const CACHE_KIB = 65_536;
/** Look-ups by key touch few pages. */
const READER_CACHE_KIB = 16_384;
const WAL_SIZE_BYTES = 64 * 1024 * 1024;
/** Marks the file as Handlebar's: `HBAR`. */
const APPLICATION_ID = 0x48424152;

/** The embedded store's file, held by this process and brought to this version's schema. */
export interface SqliteFile {
  readonly db: Database.Database;
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Takes the folder, makes or migrates its file, and opens it for writing.
 * @throws HandlebarError `HB_STORE_LOCKED`, `HB_STORE_NETWORK_FS`, `HB_STORE_TOO_NEW`, `HB_STORE_MIGRATION`, `HB_STORE_UNAVAILABLE`.
 */
export async function openSqliteFile(folder: string, options: SqliteFileOptions = {}): Promise<SqliteFile> {
  const held = holdFolder(folder, options.fileSystemType);
  try {
    const db = openForWriting(held.file, options.durability ?? "full");
    await migrateFile(db, options);
    return {
      db,
      path: held.file,
      close: async () => {
        db.close();
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw storeError(error);
  }
}

/** Another connection to the file, which only reads. */
export function openForReading(path: string): Database.Database {
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  db.pragma("query_only = on");
  db.pragma(`cache_size = -${READER_CACHE_KIB}`);
  return db;
}

/** @throws HandlebarError `HB_STORE_UNAVAILABLE` when the file is another program's. */
export function checkApplication(db: Database.Database, path: string): void {
  const id = db.pragma("application_id", { simple: true });
  const isEmpty = db.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
  if (id !== APPLICATION_ID && !isEmpty) throw unavailable(`\`${path}\` is not a Handlebar store`);
}

function openForWriting(path: string, durability: "full" | "normal"): Database.Database {
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    checkApplication(db, path);
    // Takes effect while the file is empty.
    db.pragma("auto_vacuum = incremental");
    db.pragma("journal_mode = wal");
    db.pragma(`synchronous = ${durability}`);
    db.pragma("foreign_keys = on");
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.pragma(`journal_size_limit = ${WAL_SIZE_BYTES}`);
    if (db.pragma("application_id", { simple: true }) !== APPLICATION_ID) {
      db.pragma(`application_id = ${APPLICATION_ID}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

async function migrateFile(db: Database.Database, { nowMs = Date.now, migrations }: SqliteFileOptions): Promise<void> {
  const kysely = new Kysely<Tables>({ dialect: sqliteDialect(new WriteDriver(new SqliteConnection(db), new Turns())) });
  try {
    await kysely
      .transaction()
      .execute((tx) =>
        migrate(
          { tx, kind: "sqlite", text: "text", bigint: "integer", double: "real" },
          { nowMs: nowMs(), ...(migrations === undefined ? {} : { migrations }) },
        ),
      );
  } catch (error) {
    db.close();
    throw error;
  }
}
