import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import pg from "pg";
import { inject } from "vitest";

/** Names the PostgreSQL itself where `HANDLEBAR_TEST_POSTGRES_URL` names a pooler before it. */
const DIRECT_URL = "HANDLEBAR_TEST_POSTGRES_DIRECT_URL";

/** An empty database of one test's own. */
export interface TestDatabase {
  readonly url: string;
  /** The same without a pooler before it. */
  readonly directUrl: string;
  /** Runs one statement as the database's owner. */
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Ends every connection but the caller's, as a failing database would; answers how many. */
  disconnectAll(): Promise<number>;
  drop(): Promise<void>;
}

let serverUrl: Promise<string> | undefined;

async function askForServer(): Promise<string> {
  const socket = connect(inject("postgresStarterPort"), "127.0.0.1");
  let url = "";
  for await (const chunk of socket) url += String(chunk);
  if (url === "") throw new Error("PostgreSQL could not be started for the tests");
  return url;
}

async function once(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** Makes a database in the PostgreSQL that this run of the tests shares. */
export async function openTestDatabase(): Promise<TestDatabase> {
  serverUrl ??= askForServer();
  const server = await serverUrl;
  const name = `handlebar_${randomBytes(8).toString("hex")}`;
  await once(server, `create database ${name} template template0 encoding 'UTF8'`);
  const at = (base: string): string => {
    const address = new URL(base);
    address.pathname = `/${name}`;
    return address.href;
  };
  const directUrl = at(process.env[DIRECT_URL] ?? server);
  const pool = new pg.Pool({ connectionString: directUrl, max: 2, allowExitOnIdle: true });
  pool.on("error", () => undefined);
  return {
    url: at(server),
    directUrl,
    query: async (text, values = []) => (await pool.query(text, [...values])).rows,
    async disconnectAll() {
      const { rows } = await pool.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
      return rows.length;
    },
    async drop() {
      await pool.end();
      await once(server, `drop database ${name} with (force)`);
    },
  };
}
