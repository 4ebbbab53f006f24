import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import type { SearchAnswer, SearchRequest } from "./sqlite-searches.ts";

/*
 * Runs in a thread of its own: one query after the other on a connection that only reads, so that none holds up what must be quick.
 * It imports nothing of ours but types, since it is loaded without our export condition.
 */

const CACHE_KIB = 65_536;

function open(path: string): Database.Database {
  const db = new Database(path, { timeout: 5_000 });
  db.pragma("query_only = on");
  db.pragma(`cache_size = -${CACHE_KIB}`);
  return db;
}

function answer(db: Database.Database, { id, sql, parameters }: SearchRequest): SearchAnswer {
  try {
    return { id, rows: db.prepare(sql).all(...parameters) };
  } catch (error) {
    const code = error instanceof Database.SqliteError ? error.code : "SQLITE_ERROR";
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

// `sqlite-searches.ts` starts this file with the path alone.
const db = open(String(workerData));
parentPort?.on("message", (request: SearchRequest) => parentPort?.postMessage(answer(db, request)));
parentPort?.postMessage({ isReady: true } satisfies SearchAnswer);
