import { HandlebarError } from "@handlebar/protocol";
import type { PostgresPoolClient } from "kysely";
import type { CopiedValue } from "./copy-source.ts";
import type { PostgresConnections } from "./postgres-connections.ts";

const EMPTY_CHECK =
  "select (select count(*) from workspaces)::int as workspaces, (select count(*) from store_copy)::int as copies";

/** Begins a copy into an empty database, or goes on with one. @throws HandlebarError `HB_CONFLICT` when there is something else, or a copy that ended. */
export async function beginCopy(connections: PostgresConnections): Promise<void> {
  await connections.query(
    "create table if not exists store_copy (one bigint primary key check (one = 1), events_key text, ended_at timestamptz)",
  );
  const [found] = await connections.query<{ workspaces: number; copies: number }>(EMPTY_CHECK);
  if (found?.copies === 0 && found.workspaces > 0) {
    throw new HandlebarError(
      "HB_CONFLICT",
      "the database holds a store of its own already; give an empty one, or drop what is there",
    );
  }
  const [copy] = await connections.query<{ has_ended: boolean }>(
    "insert into store_copy (one) values (1) on conflict (one) do update set one = 1 returning ended_at is not null as has_ended",
  );
  if (copy?.has_ended === true) {
    throw new HandlebarError(
      "HB_CONFLICT",
      "a store was copied to this database before, and it may have been in use since; give an empty one",
    );
  }
}

/** The key behind which events are still to be copied; `undefined` for all. */
export async function eventsCopied(connections: PostgresConnections): Promise<readonly CopiedValue[] | undefined> {
  const [copy] = await connections.query<{ events_key: string | null }>("select events_key from store_copy");
  // Only `noteEventsCopied` writes it.
  return copy?.events_key == null ? undefined : (JSON.parse(copy.events_key) as readonly CopiedValue[]);
}

/** Notes, in the transaction that copied them, up to where events are copied. */
export async function noteEventsCopied(connection: PostgresPoolClient, key: readonly CopiedValue[]): Promise<void> {
  await connection.query("update store_copy set events_key = $1", [JSON.stringify(key)]);
}

export async function endCopy(connections: PostgresConnections): Promise<void> {
  await connections.query("update store_copy set ended_at = now()");
}

/** @throws HandlebarError `HB_STORE_MIGRATION` while a copy into this database has not ended: a server would work with half a store. */
export async function refuseUnfinishedCopy(connections: PostgresConnections): Promise<void> {
  const [table] = await connections.query<{ name: string | null }>("select to_regclass('store_copy')::text as name");
  if (table?.name == null) return;
  const unfinished = await connections.query("select 1 from store_copy where ended_at is null");
  if (unfinished.length > 0) {
    throw new HandlebarError(
      "HB_STORE_MIGRATION",
      "a store is being copied to this database and the copy has not ended; let `handlebar migrate-to-postgres` end, or run it again",
    );
  }
}
