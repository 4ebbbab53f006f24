import { Worker } from "node:worker_threads";
import { HandlebarError } from "@handlebar/protocol";
import Database from "better-sqlite3";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { SQLITE_SEARCH_COUNT_MAX, SQLITE_SEARCH_TIME_MAX_MS } from "../limits.ts";
import { storeError, unavailable } from "./sqlite-errors.ts";

export interface SearchRequest {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type SearchAnswer =
  | { readonly isReady: true }
  | { readonly id: number; readonly rows: readonly unknown[] }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

interface Waiting {
  readonly request: SearchRequest;
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls `run` once `delayMs` have passed. @returns a function that keeps it from that. */
export type Deadline = (run: () => void, delayMs: number) => () => void;

const deadlineOfMachine: Deadline = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** A thread that searches; it takes requests once it has opened the file. */
interface Thread {
  readonly worker: Worker;
  isReady: boolean;
}

/** Searches, sums and scans, one at a time in a thread of their own. The thread starts with the first of them. */
export class SqliteSearches implements DatabaseConnection {
  readonly #path: string;
  readonly #deadline: Deadline;
  readonly #waiting: Waiting[] = [];
  #thread: Thread | undefined;
  #underWay: Waiting | undefined;
  #stopDeadline = (): void => undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(path: string, options: { readonly deadline?: Deadline } = {}) {
    this.#path = path;
    this.#deadline = options.deadline ?? deadlineOfMachine;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#isClosed) throw unavailable("the store is closed");
    if (this.#waiting.length >= SQLITE_SEARCH_COUNT_MAX) {
      throw new HandlebarError("HB_OVERLOADED", "as many searches wait as may; try again in a moment");
    }
    this.#lastId += 1;
    const request = { id: this.#lastId, sql, parameters };
    const rows = await new Promise<readonly unknown[]>((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#next();
    });
    // Rows have the columns that the query was compiled for.
    return { rows: rows as R[] };
  }

  // biome-ignore lint/correctness/useYield: pages take the place of streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("queries are not streamed; ask for pages");
  }

  /** Ends the thread; searches that wait are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = this.#thread;
    this.#drop(unavailable("the store is closed"));
    for (const { reject } of this.#waiting.splice(0)) reject(unavailable("the store is closed"));
    await thread?.worker.terminate();
  }

  #next(): void {
    if (this.#underWay !== undefined || this.#waiting.length === 0) return;
    this.#thread ??= this.#start();
    if (!this.#thread.isReady) return;
    this.#underWay = this.#waiting.shift();
    this.#stopDeadline = this.#deadline(() => this.#giveUp(), SQLITE_SEARCH_TIME_MAX_MS);
    this.#thread.worker.postMessage(this.#underWay?.request);
  }

  #start(): Thread {
    const file = import.meta.url.endsWith(".ts") ? "./sqlite-search-worker.ts" : "./sqlite-search-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#path });
    worker.unref();
    const thread = { worker, isReady: false };
    worker.on("message", (answer: SearchAnswer) => {
      if (this.#thread === thread) this.#take(thread, answer);
    });
    worker.on("error", (error) => {
      if (this.#thread === thread) this.#fail(thread, error);
    });
    return thread;
  }

  #take(thread: Thread, answer: SearchAnswer): void {
    if ("isReady" in answer) thread.isReady = true;
    else if (this.#underWay?.request.id === answer.id) {
      const done = this.#underWay;
      this.#underWay = undefined;
      this.#stopDeadline();
      if ("rows" in answer) done.resolve(answer.rows);
      else done.reject(storeError(new Database.SqliteError(answer.error.message, answer.error.code)));
    }
    this.#next();
  }

  /** A thread that cannot even start fails all that wait, else they would start it again and again. */
  #fail(thread: Thread, error: unknown): void {
    const failure = unavailable("the search thread failed", error);
    if (!thread.isReady) for (const { reject } of this.#waiting.splice(0)) reject(failure);
    this.#drop(failure);
    this.#next();
  }

  /** A query cannot be stopped, so that its thread is ended. */
  #giveUp(): void {
    const thread = this.#thread;
    const seconds = SQLITE_SEARCH_TIME_MAX_MS / 1_000;
    const message = `the search took longer than ${seconds} s; narrow it, best by its time range`;
    this.#drop(new HandlebarError("HB_STORE_UNAVAILABLE", message));
    void thread?.worker.terminate();
    this.#next();
  }

  #drop(error: unknown): void {
    this.#stopDeadline();
    const lost = this.#underWay;
    this.#underWay = undefined;
    this.#thread = undefined;
    lost?.reject(error);
  }
}
