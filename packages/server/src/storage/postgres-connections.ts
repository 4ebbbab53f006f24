import { HandlebarError } from "@handlebar/protocol";
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg from "pg";
import { storableText } from "./postgres-array.ts";
import {
  connectionConfig,
  POSTGRES_POOL_SIZE_MAX_DEFAULT,
  POSTGRES_STATEMENT_TIMEOUT_MS_DEFAULT,
} from "./postgres-connection-config.ts";
import { breaksConnection, connectError, storeError } from "./postgres-errors.ts";
import type { PostgresOptions } from "./postgres-options.ts";

/** The oldest version whose behaviour is relied on. */
const SERVER_VERSION_MIN = 150_000;

/** Idle connections beyond this are closed. */
const IDLE_TIMEOUT_MS = 30_000;

/** After which the database ends a transaction that its client has forgotten. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  return Array.isArray(value) ? value.map(storable) : value;
}

/** One borrowed connection, as Kysely uses it: errors become the store's, and one that broke is not handed out again. */
class BorrowedConnection implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  #isBroken = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
    client.on("error", this.#onError);
  }

  // An error between two statements has no caller; without a listener it would end the process. The next statement fails of it.
  readonly #onError = (): void => {
    this.#isBroken = true;
  };

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query(): never;
  async query(text?: string, parameters: readonly unknown[] = []): Promise<unknown> {
    if (text === undefined) throw new TypeError("the store reads by page and has no cursors");
    try {
      return await this.#client.query(text, parameters.map(storable));
    } catch (error) {
      this.#isBroken ||= breaksConnection(error);
      throw storeError(error);
    }
  }

  release(destroy?: boolean): void {
    this.#client.off("error", this.#onError);
    this.#client.release(this.#isBroken || destroy === true);
  }
}

/** The pool of this process's connections. */
export class PostgresConnections implements PostgresPool {
  readonly options: object = {};
  readonly #pool: pg.Pool;
  #end: Promise<void> | undefined;

  /** Connects at first use. `answerTimeoutMs` is for statements that set a limit of their own beyond the usual one. @throws HandlebarError `HB_CONFIG_INVALID` when the URL cannot be used. */
  constructor(options: PostgresOptions, answerTimeoutMs?: number) {
    const statementTimeoutMs = options.statementTimeoutMs ?? POSTGRES_STATEMENT_TIMEOUT_MS_DEFAULT;
    // By a statement and not at connecting: poolers refuse start-up parameters that they do not know.
    const settings = `set statement_timeout = ${Math.floor(statementTimeoutMs)}; set idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_TIMEOUT_MS}`;
    this.#pool = new pg.Pool({
      ...connectionConfig(options, options.url, answerTimeoutMs),
      max: options.poolSizeMax ?? POSTGRES_POOL_SIZE_MAX_DEFAULT,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      // The pool awaits the promise, though its type does not say so.
      onConnect: (async (client: pg.ClientBase) => {
        await client.query(settings);
      }) as (client: pg.ClientBase) => void,
    });
    this.#pool.on("error", (error) => options.onProblem?.(storeError(error)));
  }

  async connect(): Promise<PostgresPoolClient> {
    try {
      return new BorrowedConnection(await this.#pool.connect());
    } catch (error) {
      throw connectError(error);
    }
  }

  /** One statement outside a transaction. */
  async query<R>(text: string, parameters: readonly unknown[] = []): Promise<readonly R[]> {
    const connection = await this.connect();
    try {
      return (await connection.query<R>(text, parameters)).rows;
    } finally {
      connection.release();
    }
  }

  /** Statements in one transaction, committed when `work` resolves. */
  async transaction<T>(work: (connection: PostgresPoolClient) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    let isSettled = false;
    try {
      await connection.query("begin", []);
      const result = await work(connection);
      await connection.query("commit", []);
      isSettled = true;
      return result;
    } catch (error) {
      isSettled = await connection.query("rollback", []).then(
        () => true,
        () => false,
      );
      throw error;
    } finally {
      connection.release(!isSettled);
    }
  }

  /** @throws HandlebarError `HB_STORE_UNAVAILABLE` when it does not answer, `HB_CONFIG_INVALID` when it cannot keep what is stored. */
  async checkServer(): Promise<void> {
    const [server] = await this.query<{ version: string; number: string; encoding: string }>(
      "select current_setting('server_version') as version, current_setting('server_version_num') as number, current_setting('server_encoding') as encoding",
    );
    if (server === undefined) return;
    if (Number(server.number) < SERVER_VERSION_MIN) {
      throw new HandlebarError(
        "HB_CONFIG_INVALID",
        `the database is PostgreSQL \`${server.version}\`; use version 15 or later`,
        { field: "databaseUrl" },
      );
    }
    if (server.encoding !== "UTF8") {
      throw new HandlebarError(
        "HB_CONFIG_INVALID",
        `the database's encoding is \`${server.encoding}\`; create it with \`encoding 'UTF8'\``,
        { field: "databaseUrl" },
      );
    }
  }

  end(): Promise<void> {
    this.#end ??= this.#pool.end();
    return this.#end;
  }
}
