import type { AgentsTable, ClientRecord } from "./agents-table.ts";
import { chunks, compareIds, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, fromJsonOrNull, toJson, toJsonOrNull } from "./json-column.ts";
import type { ClientRow } from "./schema.ts";

type Refused = NonNullable<ClientRecord["refused"]>;

/** What clients said that they applied. */
export function createClients(dialect: StoreDialect): Pick<AgentsTable, "acknowledge" | "clients" | "pruneClients"> {
  return {
    acknowledge: async (workspaceId, clients) => {
      if (clients.length === 0) return;
      const inOrder = clients.toSorted(byAgentAndClient);
      await dialect.write(async (tx) => {
        for (const some of chunks(inOrder, STATEMENT_ROW_COUNT_MAX)) {
          await keepNewest(
            tx,
            some.map((client) => toRow(workspaceId, client)),
          );
        }
      });
    },
    clients: async (workspaceId, agentId, bounds) => {
      let query = dialect.reads.selectFrom("agent_clients").selectAll().where("workspace_id", "=", workspaceId);
      if (agentId !== undefined) query = query.where("agent_id", "=", agentId);
      if (bounds === undefined) return (await query.orderBy("agent_id").orderBy("client_id").execute()).map(toClient);
      const newest = query.where("acked_at_ms", ">=", bounds.sinceMs).orderBy("acked_at_ms", "desc");
      const rows = await newest.limit(bounds.limit).execute();
      return rows.map(toClient).sort(byAgentAndClient);
    },
    pruneClients: (beforeMs) =>
      dialect.write(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("agent_clients")
          .where("acked_at_ms", "<", beforeMs)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

const byAgentAndClient = (a: ClientRecord, b: ClientRecord): number =>
  compareIds(a.agentId, b.agentId) || compareIds(a.clientId, b.clientId);

async function keepNewest(tx: WriteTransaction, rows: readonly ClientRow[]): Promise<void> {
  await tx
    .insertInto("agent_clients")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(["workspace_id", "agent_id", "client_id"])
        .doUpdateSet((eb) => ({
          revision: eb.ref("excluded.revision"),
          lockdown_ids: eb.ref("excluded.lockdown_ids"),
          refused: eb.ref("excluded.refused"),
          acked_at_ms: eb.ref("excluded.acked_at_ms"),
        }))
        .where((eb) =>
          eb.or([
            eb("agent_clients.revision", "<", eb.ref("excluded.revision")),
            eb.and([
              eb("agent_clients.revision", "=", eb.ref("excluded.revision")),
              eb("agent_clients.acked_at_ms", "<=", eb.ref("excluded.acked_at_ms")),
            ]),
          ]),
        ),
    )
    .execute();
}

function toRow(workspaceId: string, client: ClientRecord): ClientRow {
  return {
    workspace_id: workspaceId,
    agent_id: client.agentId,
    client_id: client.clientId,
    revision: client.revision,
    lockdown_ids: toJson(client.lockdownIds),
    refused: toJsonOrNull(client.refused),
    acked_at_ms: client.ackedAtMs,
  };
}

function toClient(row: ClientRow): ClientRecord {
  return {
    clientId: row.client_id,
    agentId: row.agent_id,
    revision: row.revision,
    lockdownIds: fromJson<readonly string[]>(row.lockdown_ids),
    refused: fromJsonOrNull<Refused>(row.refused),
    ackedAtMs: row.acked_at_ms,
  };
}
