import { chunks, STATEMENT_ROW_COUNT_MAX } from "./batches.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import type { LockdownsTable } from "./lockdowns-table.ts";
import type { LockdownAckRow } from "./schema.ts";

export function createLockdownAcks(dialect: StoreDialect): Pick<LockdownsTable, "acks" | "pruneAcks"> {
  return {
    acks: async (workspaceId, lockdownId, limit) => {
      const rows = await dialect.reads
        .selectFrom("lockdown_acks")
        .selectAll()
        .where("workspace_id", "=", workspaceId)
        .where("lockdown_id", "=", lockdownId)
        .orderBy("acked_at_ms")
        .orderBy("client_id")
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        agentId: row.agent_id,
        clientId: row.client_id,
        ackedAtMs: row.acked_at_ms,
        isFromStart: row.from_start === 1,
      }));
    },
    pruneAcks: (beforeMs) =>
      dialect.write(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("lockdown_acks")
          .where("acked_at_ms", "<", beforeMs)
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom("lockdowns")
                  .select("lockdowns.lockdown_id")
                  .whereRef("lockdowns.workspace_id", "=", "lockdown_acks.workspace_id")
                  .whereRef("lockdowns.lockdown_id", "=", "lockdown_acks.lockdown_id")
                  .where("lockdowns.lifted_at_ms", "is", null),
              ),
            ),
          )
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

/** The first word of a client about an order stands. */
export async function insertLockdownAcks(tx: WriteTransaction, rows: readonly LockdownAckRow[]): Promise<void> {
  for (const some of chunks(rows, STATEMENT_ROW_COUNT_MAX)) {
    await tx
      .insertInto("lockdown_acks")
      .values(some)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
