import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import pg from "pg";
import { type Child, startChild } from "./child.ts";
import { type BenchEvent, batchesOf, EVENT_COLUMNS, makeEvents } from "./events.ts";
import { HttpLoad, median, quantile } from "./http-load.ts";
import { startPostgres } from "./postgres.ts";

const BATCH_COUNT = 200;
const EVENT_COUNT = 20_000;
const CONNECTION_COUNT = 4;
const ROUND_COUNT = 4;

/** One way to store events. */
interface Target {
  readonly name: string;
  /** What its rate is a share of. */
  readonly beside: string | undefined;
  store(batches: readonly (readonly BenchEvent[])[]): Promise<readonly number[]>;
  close(): Promise<void> | void;
  readonly perSecond: number[];
  readonly latenciesMs: number[];
}

function throughServer(name: string, server: Child, beside: string): Target {
  const key = server.firstKey;
  const path = "/v1/runs/events";
  const load = new HttpLoad({ origin: server.origin, path, key, connectionCount: CONNECTION_COUNT });
  return {
    name,
    beside,
    perSecond: [],
    latenciesMs: [],
    close: () => load.close(),
    store: async (batches) => {
      const bodies = batches.map((events) =>
        Buffer.from(`{"agentId":"support","events":[${events.map(({ json }) => json).join(",")}]}`),
      );
      return (await load.run(() => bodies.shift())).latenciesMs;
    },
  };
}

/** The same rows by one prepared statement, a transaction for each batch, into a table with the same indexes. */
function throughSqlite(file: string): Target {
  const db = new Database(file);
  db.pragma("journal_mode = wal");
  db.pragma("synchronous = full");
  const marks = EVENT_COLUMNS.split(",").map(() => "?");
  const insert = db.prepare(`insert into events (${EVENT_COLUMNS}) values (${marks.join(", ")})`);
  const write = db.transaction((events: readonly BenchEvent[]) => {
    for (const { columns } of events) insert.run(...columns);
  });
  return {
    name: "prepared insert",
    beside: undefined,
    perSecond: [],
    latenciesMs: [],
    close: () => void db.close(),
    store: (batches) => Promise.resolve(batches.map((events) => timed(() => write(events)))),
  };
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

/** The same rows by COPY, over as many connections as the server is asked on. */
async function throughCopy(url: string): Promise<Target> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTION_COUNT }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  return {
    name: "COPY",
    beside: undefined,
    perSecond: [],
    latenciesMs: [],
    close: async () => {
      for (const client of clients) await client.end();
    },
    store: async (batches) => {
      const left = [...batches];
      const latencies: number[] = [];
      const connection = async (client: pg.Client): Promise<void> => {
        for (let events = left.shift(); events !== undefined; events = left.shift()) {
          const startedMs = performance.now();
          await copy(client, events);
          latencies.push(performance.now() - startedMs);
        }
      };
      await Promise.all(clients.map(connection));
      return latencies;
    },
  };
}

function copy(client: pg.Client, events: readonly BenchEvent[]): Promise<void> {
  const text = events.map(({ columns }) => `${columns.map(escapeValue).join("\t")}\n`).join("");
  return new Promise((resolve, reject) => {
    const query = new CopyQuery(Buffer.from(text), (error) => (error === undefined ? resolve() : reject(error)));
    // The driver hands its connection to anything that has these methods.
    client.query(query as unknown as pg.Submittable);
  });
}

const escapeValue = (value: string | number | null): string =>
  value === null ? "\\N" : String(value).replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n");

interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** One COPY, as the driver's own queries are written. */
class CopyQuery {
  readonly #data: Buffer;
  readonly #done: (error?: Error) => void;

  constructor(data: Buffer, done: (error?: Error) => void) {
    this.#data = data;
    this.#done = done;
  }

  submit(connection: CopyConnection): void {
    connection.query(`copy events (${EVENT_COLUMNS}) from stdin`);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }

  handleError(error: Error): void {
    this.#done(error);
  }

  handleReadyForQuery(): void {
    this.#done();
  }

  handleCommandComplete(): void {
    // `handleReadyForQuery` follows.
  }
}

async function measure(target: Target, round: number): Promise<void> {
  const batches = batchesOf(makeEvents(EVENT_COUNT, `${target.name}-${round}`), BATCH_COUNT);
  const startedMs = performance.now();
  const latencies = await target.store(batches);
  const seconds = (performance.now() - startedMs) / 1_000;
  // The first round warms up.
  if (round === 0) return;
  target.perSecond.push(EVENT_COUNT / seconds);
  target.latenciesMs.push(...latencies);
}

const folder = mkdtempSync(join(tmpdir(), "hb-ingest-"));
const bareFolder = join(folder, "bare");
mkdirSync(bareFolder);
// A server makes the tables; what is measured beside it writes into them without it.
await (await startChild("serve-child.ts", bareFolder)).stop();
const postgres = await startPostgres();
const bareUrl = postgres.url.replace(/postgres$/, "bare");
const admin = new pg.Client({ connectionString: postgres.url });
await admin.connect();
await admin.query("create database bare template template0 encoding 'UTF8'");
await admin.end();
await (await startChild("serve-child.ts", bareFolder, bareUrl)).stop();

const sqlite = await startChild("serve-child.ts", folder);
const onPostgres = await startChild("serve-child.ts", folder, postgres.url);
const targets = [
  throughSqlite(join(bareFolder, "handlebar.sqlite")),
  throughServer("server on SQLite", sqlite, "prepared insert"),
  await throughCopy(bareUrl),
  throughServer("server on PostgreSQL", onPostgres, "COPY"),
];
for (let round = 0; round <= ROUND_COUNT; round++) for (const target of targets) await measure(target, round);

console.log(
  `${EVENT_COUNT} events a round in batches of ${BATCH_COUNT}, ${CONNECTION_COUNT} connections, every batch on the disk; medians of ${ROUND_COUNT} rounds in turn`,
);
const rateOf = (name: string | undefined): number => median(targets.find((one) => one.name === name)?.perSecond ?? []);
for (const { name, beside, perSecond, latenciesMs } of targets) {
  const rate = median(perSecond);
  const ratio = beside === undefined ? "" : `  ${(rate / rateOf(beside)).toFixed(2)} of ${beside}`;
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(latenciesMs, share).toFixed(1));
  console.log(
    `${name.padEnd(22)} ${rate.toFixed(0).padStart(7)} events/s  p50 ${p50} ms  p99 ${p99} ms a batch${ratio}`,
  );
}
for (const target of targets) await target.close();
for (const child of [sqlite, onPostgres]) await child.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
