import type { Migration, MigrationContext } from "../migration.ts";

/** Approvals that end when they are not used in time, whose key is whose, the log of who changed what, and webhooks. */
export const approvals: Migration = {
  version: 3,
  name: "approvals",
  up: async (context) => {
    await addColumns(context);
    await createAudit(context);
    await createWebhooks(context);
  },
};

async function addColumns({ tx, text, bigint }: MigrationContext): Promise<void> {
  await tx.schema.alterTable("api_keys").addColumn("person", text).execute();
  await tx.schema.alterTable("approvals").addColumn("requested_by", text).execute();
  await tx.schema.alterTable("approvals").addColumn("open_until_ms", bigint).execute();
  await tx
    .updateTable("approvals")
    .set((eb) => ({ open_until_ms: eb.ref("expires_at_ms") }))
    .where((eb) =>
      eb.or([eb("status", "=", "pending"), eb.and([eb("status", "=", "approved"), eb("taken_by", "is", null)])]),
    )
    .execute();
  await tx.schema.dropIndex("approvals_to_expire").execute();
  await tx.schema
    .createIndex("approvals_to_end")
    .on("approvals")
    .columns(["open_until_ms"])
    .where("open_until_ms", "is not", null)
    .execute();
  await tx.schema
    .createIndex("approvals_of_call")
    .on("approvals")
    .columns(["workspace_id", "fingerprint", "requested_at_ms", "approval_id"])
    .execute();
}

async function createAudit({ tx, text, bigint }: MigrationContext): Promise<void> {
  await tx.schema
    .createTable("audit_log")
    .addColumn("workspace_id", text, (column) => column.notNull())
    .addColumn("audit_id", text, (column) => column.notNull())
    .addColumn("at_ms", bigint, (column) => column.notNull())
    .addColumn("action", text, (column) => column.notNull())
    .addColumn("ref", text, (column) => column.notNull())
    .addColumn("key_id", text)
    .addColumn("person", text)
    .addColumn("detail", text, (column) => column.notNull())
    .addPrimaryKeyConstraint("audit_log_key", ["workspace_id", "audit_id"])
    .execute();
  await tx.schema.createIndex("audit_of_thing").on("audit_log").columns(["workspace_id", "ref", "audit_id"]).execute();
}

async function createWebhooks({ tx, text, bigint }: MigrationContext): Promise<void> {
  await tx.schema
    .createTable("webhooks")
    .addColumn("workspace_id", text, (column) => column.notNull())
    .addColumn("webhook_id", text, (column) => column.notNull())
    .addColumn("body", text, (column) => column.notNull())
    .addColumn("secrets", text, (column) => column.notNull())
    .addColumn("created_at_ms", bigint, (column) => column.notNull())
    .addPrimaryKeyConstraint("webhooks_key", ["workspace_id", "webhook_id"])
    .execute();
  await tx.schema
    .createTable("webhook_deliveries")
    .addColumn("workspace_id", text, (column) => column.notNull())
    .addColumn("webhook_id", text, (column) => column.notNull())
    .addColumn("message_id", text, (column) => column.notNull())
    .addColumn("type", text, (column) => column.notNull())
    .addColumn("data", text, (column) => column.notNull())
    .addColumn("status", text, (column) => column.notNull())
    .addColumn("created_at_ms", bigint, (column) => column.notNull())
    .addColumn("give_up_at_ms", bigint, (column) => column.notNull())
    .addColumn("next_attempt_at_ms", bigint)
    .addColumn("attempt_count", bigint, (column) => column.notNull())
    .addColumn("last_attempt_at_ms", bigint)
    .addColumn("last_outcome", text)
    .addPrimaryKeyConstraint("webhook_deliveries_key", ["workspace_id", "webhook_id", "message_id"])
    .execute();
  await tx.schema
    .createIndex("webhook_deliveries_due")
    .on("webhook_deliveries")
    .columns(["next_attempt_at_ms"])
    .where("next_attempt_at_ms", "is not", null)
    .execute();
  await tx.schema
    .createIndex("webhook_deliveries_newest")
    .on("webhook_deliveries")
    .columns(["workspace_id", "webhook_id", "created_at_ms", "message_id"])
    .execute();
}
