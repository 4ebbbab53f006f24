import { sql } from "kysely";
import type { Migration } from "../migration.ts";

/** When clients were last heard from, in which order what they say is true, and when each of them first obeyed each stop order. */
export const clientPresence: Migration = {
  version: 4,
  name: "client presence",
  up: async ({ kind, tx, text, bigint }) => {
    await tx.schema
      .alterTable("agent_clients")
      .addColumn("seen_at_ms", bigint, (column) => column.notNull().defaultTo(0))
      .execute();
    await tx.schema
      .alterTable("agent_clients")
      .addColumn("lockdown_revision", bigint, (column) => column.notNull().defaultTo(0))
      .execute();
    await tx.schema.alterTable("agent_clients").addColumn("enforce_mode", text).execute();
    await tx
      .updateTable("agent_clients")
      .set((eb) => ({ seen_at_ms: eb.ref("acked_at_ms"), lockdown_revision: eb.ref("revision") }))
      .execute();
    const acks = tx.schema
      .createTable("lockdown_acks")
      .addColumn("workspace_id", text, (column) => column.notNull())
      .addColumn("lockdown_id", text, (column) => column.notNull())
      .addColumn("agent_id", text, (column) => column.notNull())
      .addColumn("client_id", text, (column) => column.notNull())
      .addColumn("acked_at_ms", bigint, (column) => column.notNull())
      .addColumn("from_start", bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint("lockdown_acks_key", ["workspace_id", "lockdown_id", "agent_id", "client_id"]);
    await (kind === "sqlite" ? acks.modifyEnd(sql`strict`) : acks).execute();
  },
};
