import { HandlebarError } from "@handlebar/protocol";
import pg from "pg";
import { connectionConfig } from "./postgres-connection-config.ts";
import { connectError } from "./postgres-errors.ts";
import type { PostgresOptions } from "./postgres-options.ts";

/** The channel on which every process that shares the database tells of changes; the payload is the workspace. */
export const CHANGES_CHANNEL = "handlebar_changes";

const RECONNECT_DELAY_MS_MIN = 100;
const RECONNECT_DELAY_MS_MAX = 5_000;

/** How often the connection is asked whether it lives: a peer that vanished says nothing. */
const PROBE_INTERVAL_MS = 15_000;
const PROBE_TIMEOUT_MS = 5_000;

type Listener = (workspaceId: string) => void;

/**
 * Holds one connection of its own that listens for changes, and makes a new one when it breaks. What is said in between is
 * lost, so that its hearers poll beneath it. Connects with the first hearer, lets go with the last one.
 */
export class PostgresListener {
  readonly #options: PostgresOptions;
  readonly #listeners = new Set<Listener>();
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failureCount = 0;
  #hasReportedPooler = false;
  /** Grows whenever the connection in use is no longer wanted, so that what an older one reports is ignored. */
  #generation = 0;

  constructor(options: PostgresOptions) {
    this.#options = options;
  }

  /** Whether the database would tell of a change now. */
  get isListening(): boolean {
    return this.#client !== undefined;
  }

  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#connect();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#letGo();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#letGo();
  }

  #letGo(): void {
    this.#generation += 1;
    this.#failureCount = 0;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    void client?.end().catch(() => undefined);
  }

  #connect(): void {
    const generation = this.#generation;
    const url = this.#options.directUrl ?? this.#options.url;
    const client = new pg.Client(connectionConfig(this.#options, url, PROBE_TIMEOUT_MS));
    const failed = (error: unknown): void => this.#reconnect(generation, client, error);
    client.on("error", failed);
    client.on("end", () => failed(new Error("Connection terminated")));
    client.on("notification", ({ channel, payload }) => {
      if (channel === CHANGES_CHANNEL && payload !== undefined && generation === this.#generation) this.#tell(payload);
    });
    client
      .connect()
      .then(() => client.query(`listen ${CHANGES_CHANNEL}`))
      .then(() => this.#reportPooler(client))
      .then(() => this.#listening(generation, client))
      .catch(failed);
  }

  /** A pooler that shares connections by transaction takes the LISTEN and never passes anything on: only its number gives it away. */
  async #reportPooler(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    if (this.#hasReportedPooler || rows[0]?.pid === Reflect.get(client, "processID")) return;
    this.#hasReportedPooler = true;
    this.#options.onProblem?.(
      new HandlebarError(
        "HB_CONFIG_INVALID",
        "a pooler answers in the database's place; where it shares connections by transaction, changes arrive by polling alone: name the database itself in `databaseListenUrl`",
        { field: "databaseListenUrl" },
      ),
    );
  }

  #listening(generation: number, client: pg.Client): void {
    if (generation !== this.#generation) {
      void client.end().catch(() => undefined);
      return;
    }
    this.#client = client;
    this.#failureCount = 0;
    this.#probeLater(generation, client);
  }

  #probeLater(generation: number, client: pg.Client): void {
    this.#later(PROBE_INTERVAL_MS, () => {
      client
        .query("select 1")
        .then(() => generation === this.#generation && this.#probeLater(generation, client))
        .catch((error: unknown) => this.#reconnect(generation, client, error));
    });
  }

  #reconnect(generation: number, client: pg.Client, error: unknown): void {
    void client.end().catch(() => undefined);
    if (generation !== this.#generation) return;
    this.#generation += 1;
    this.#client = undefined;
    this.#failureCount += 1;
    this.#options.onProblem?.(connectError(error));
    const delayMs = Math.min(
      RECONNECT_DELAY_MS_MAX,
      RECONNECT_DELAY_MS_MIN * 2 ** Math.min(this.#failureCount - 1, 10),
    );
    this.#later(delayMs * (0.5 + Math.random() / 2), () => this.#connect());
  }

  #later(delayMs: number, run: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(run, delayMs).unref();
  }

  #tell(workspaceId: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(workspaceId);
      } catch (error) {
        this.#options.onProblem?.(error);
      }
    }
  }
}
