import type { StoreDialect } from "./dialect.ts";
import type { WorkspaceRow } from "./schema.ts";
import type { WorkspaceRecord, WorkspacesTable } from "./workspaces-table.ts";

export function createWorkspacesTable(dialect: StoreDialect): WorkspacesTable {
  const all = dialect.reads.selectFrom("workspaces").selectAll();
  return {
    create: ({ workspaceId, name, createdAtMs }) =>
      dialect.write(async (tx) => {
        const { numInsertedOrUpdatedRows } = await tx
          .insertInto("workspaces")
          .values({ workspace_id: workspaceId, name, created_at_ms: createdAtMs, change_seq: 0, revision: 0 })
          .onConflict((conflict) => conflict.column("workspace_id").doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }),
    get: async (workspaceId) => {
      const row = await all.where("workspace_id", "=", workspaceId).executeTakeFirst();
      return row === undefined ? undefined : toWorkspace(row);
    },
    list: async () => (await all.orderBy("created_at_ms").orderBy("workspace_id").execute()).map(toWorkspace),
  };
}

function toWorkspace(row: WorkspaceRow): WorkspaceRecord {
  return { workspaceId: row.workspace_id, name: row.name, createdAtMs: row.created_at_ms };
}
