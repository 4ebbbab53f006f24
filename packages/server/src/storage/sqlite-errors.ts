import { HandlebarError } from "@handlebar/protocol";
import Database from "better-sqlite3";

/** Codes that begin so say that the disk, the file or its locks are the trouble, not the query. */
const UNAVAILABLE = [
  "SQLITE_FULL",
  "SQLITE_IOERR",
  "SQLITE_BUSY",
  "SQLITE_LOCKED",
  "SQLITE_READONLY",
  "SQLITE_CANTOPEN",
  "SQLITE_CORRUPT",
  "SQLITE_NOTADB",
  "SQLITE_PERM",
  "SQLITE_AUTH",
  "SQLITE_NOMEM",
  "SQLITE_PROTOCOL",
] as const;

/** What the driver says once its connection is closed. */
const CLOSED = "The database connection is not open";

/** What the store throws in an error's place: `HB_STORE_UNAVAILABLE` where the file cannot be read or written now. */
export function storeError(error: unknown): unknown {
  const why = whyUnavailable(error);
  return why === undefined ? error : unavailable(`the store's file cannot be used now: ${why}`, error);
}

export function unavailable(message: string, cause?: unknown): HandlebarError {
  return new HandlebarError("HB_STORE_UNAVAILABLE", `${message}; look at the disk and at who else uses the folder`, {
    cause,
  });
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

function whyUnavailable(error: unknown): string | undefined {
  if (error instanceof Database.SqliteError) {
    return UNAVAILABLE.some((code) => error.code.startsWith(code)) ? `${error.message} (${error.code})` : undefined;
  }
  return error instanceof TypeError && error.message === CLOSED ? "it is closed" : undefined;
}
