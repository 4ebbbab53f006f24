import type { AgentsTable, ClientAck, ClientRecord, ClientRef } from "./agents-table.ts";
import { chunks, compareIds, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, fromJsonOrNull, toJson, toJsonOrNull } from "./json-column.ts";
import { insertLockdownAcks } from "./kysely-lockdown-acks.ts";
import type { ClientRow, LockdownAckRow } from "./schema.ts";

type Refused = NonNullable<ClientRecord["refused"]>;

/** What clients said that they applied, and when they were heard from. */
export function createClients(
  dialect: StoreDialect,
): Pick<AgentsTable, "acknowledge" | "touchClients" | "forgetClients" | "clients" | "pruneClients"> {
  return {
    acknowledge: async (workspaceId, clients) => {
      if (clients.length === 0) return;
      const inOrder = clients.toSorted(byKey);
      await dialect.write(async (tx) => {
        for (const some of chunks(inOrder, STATEMENT_ROW_COUNT_MAX)) {
          await insertLockdownAcks(tx, await newAcks(tx, workspaceId, some));
          await keepNewest(
            tx,
            some.map((client) => toRow(workspaceId, client)),
          );
        }
      });
    },
    touchClients: async (clients, seenAtMs) => {
      if (clients.length === 0) return;
      const inOrder = clients.toSorted((a, b) => compareIds(a.workspaceId, b.workspaceId) || byKey(a, b));
      await dialect.write(async (tx) => {
        for (const some of chunks(inOrder, STATEMENT_ROW_COUNT_MAX)) await touch(tx, some, seenAtMs);
      });
    },
    forgetClients: async (workspaceId, clients) => {
      if (clients.length === 0) return;
      await dialect.write(async (tx) => {
        for (const { agentId, clientId } of clients.toSorted(byKey)) {
          await tx
            .deleteFrom("agent_clients")
            .where("workspace_id", "=", workspaceId)
            .where("agent_id", "=", agentId)
            .where("client_id", "=", clientId)
            .execute();
        }
      });
    },
    clients: async (workspaceId, agentId, bounds) => {
      let query = dialect.reads.selectFrom("agent_clients").selectAll().where("workspace_id", "=", workspaceId);
      if (agentId !== undefined) query = query.where("agent_id", "=", agentId);
      if (bounds === undefined) return (await query.orderBy("agent_id").orderBy("client_id").execute()).map(toClient);
      const newest = query.where("seen_at_ms", ">=", bounds.sinceMs).orderBy("seen_at_ms", "desc");
      const rows = await newest.limit(bounds.limit).execute();
      return rows.map(toClient).sort(byKey);
    },
    pruneClients: (beforeMs) =>
      dialect.write(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("agent_clients")
          .where("seen_at_ms", "<", beforeMs)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

type Key = Pick<ClientRecord, "agentId" | "clientId">;

function byKey(a: Key, b: Key): number {
  return compareIds(a.agentId, b.agentId) || compareIds(a.clientId, b.clientId);
}

/** The orders that these clients did not obey the last time that they said something. */
async function newAcks(
  tx: WriteTransaction,
  workspaceId: string,
  clients: readonly ClientAck[],
): Promise<readonly LockdownAckRow[]> {
  const obeying = clients.filter(({ lockdownIds, enforceMode }) => lockdownIds.length > 0 && enforceMode === "enforce");
  if (obeying.length === 0) return [];
  const rows = await tx
    .selectFrom("agent_clients")
    .select(["agent_id", "client_id", "lockdown_ids", "acked_at_ms"])
    .where("workspace_id", "=", workspaceId)
    .where(
      "client_id",
      "in",
      obeying.map(({ clientId }) => clientId),
    )
    .execute();
  const known = new Map(rows.map((row) => [`${row.agent_id}\n${row.client_id}`, row]));
  return obeying.flatMap(({ agentId, clientId, lockdownIds, ackedAtMs }) => {
    const before = known.get(`${agentId}\n${clientId}`);
    const had = new Set(before === undefined ? [] : fromJson<readonly string[]>(before.lockdown_ids));
    const fromStart = before === undefined || before.acked_at_ms === 0 ? 1 : 0;
    return lockdownIds
      .filter((lockdownId) => !had.has(lockdownId))
      .map((lockdownId) => ({
        workspace_id: workspaceId,
        lockdown_id: lockdownId,
        agent_id: agentId,
        client_id: clientId,
        acked_at_ms: ackedAtMs,
        from_start: fromStart,
      }));
  });
}

async function keepNewest(tx: WriteTransaction, rows: readonly ClientRow[]): Promise<void> {
  await tx
    .insertInto("agent_clients")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(["workspace_id", "agent_id", "client_id"])
        .doUpdateSet((eb) => ({
          revision: eb.ref("excluded.revision"),
          lockdown_revision: eb.ref("excluded.lockdown_revision"),
          lockdown_ids: eb.ref("excluded.lockdown_ids"),
          enforce_mode: eb.ref("excluded.enforce_mode"),
          refused: eb.ref("excluded.refused"),
          acked_at_ms: eb.ref("excluded.acked_at_ms"),
          seen_at_ms: eb.ref("excluded.seen_at_ms"),
        }))
        // A client's revisions only grow: of two messages the one with the newer ones is the later one, whichever came first.
        .where((eb) =>
          eb.or([
            eb("agent_clients.revision", "<", eb.ref("excluded.revision")),
            eb.and([
              eb("agent_clients.revision", "=", eb.ref("excluded.revision")),
              eb("agent_clients.lockdown_revision", "<", eb.ref("excluded.lockdown_revision")),
            ]),
            eb.and([
              eb("agent_clients.revision", "=", eb.ref("excluded.revision")),
              eb("agent_clients.lockdown_revision", "=", eb.ref("excluded.lockdown_revision")),
              eb("agent_clients.acked_at_ms", "<=", eb.ref("excluded.acked_at_ms")),
            ]),
          ]),
        ),
    )
    .execute();
}

/** A client that is heard from and has not said anything yet is known all the same. */
async function touch(tx: WriteTransaction, clients: readonly ClientRef[], seenAtMs: number): Promise<void> {
  await tx
    .insertInto("agent_clients")
    .values(
      clients.map(({ workspaceId, agentId, clientId }) => ({
        workspace_id: workspaceId,
        agent_id: agentId,
        client_id: clientId,
        revision: 0,
        lockdown_revision: 0,
        lockdown_ids: "[]",
        enforce_mode: null,
        refused: null,
        acked_at_ms: 0,
        seen_at_ms: seenAtMs,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(["workspace_id", "agent_id", "client_id"])
        .doUpdateSet((eb) => ({ seen_at_ms: eb.ref("excluded.seen_at_ms") }))
        .where((eb) => eb("agent_clients.seen_at_ms", "<", eb.ref("excluded.seen_at_ms"))),
    )
    .execute();
}

function toRow(workspaceId: string, client: ClientAck): ClientRow {
  return {
    workspace_id: workspaceId,
    agent_id: client.agentId,
    client_id: client.clientId,
    revision: client.revision,
    lockdown_revision: client.lockdownRevision,
    lockdown_ids: toJson(client.lockdownIds),
    enforce_mode: client.enforceMode,
    refused: toJsonOrNull(client.refused),
    acked_at_ms: client.ackedAtMs,
    seen_at_ms: client.ackedAtMs,
  };
}

function toClient(row: ClientRow): ClientRecord {
  return {
    clientId: row.client_id,
    agentId: row.agent_id,
    revision: row.revision,
    lockdownRevision: row.lockdown_revision,
    lockdownIds: fromJson<readonly string[]>(row.lockdown_ids),
    enforceMode: toEnforceMode(row.enforce_mode),
    refused: fromJsonOrNull<Refused>(row.refused),
    ackedAtMs: row.acked_at_ms === 0 ? undefined : row.acked_at_ms,
    seenAtMs: row.seen_at_ms,
  };
}

function toEnforceMode(text: string | null): ClientRecord["enforceMode"] {
  return text === "shadow" || text === "off" ? text : "enforce";
}
