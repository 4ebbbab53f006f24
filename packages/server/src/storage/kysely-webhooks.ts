import type { Kysely } from "kysely";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import { recordAudit } from "./kysely-audit.ts";
import { createDeliveries, deliveryRow } from "./kysely-webhook-deliveries.ts";
import type { Database, WebhookRow } from "./schema.ts";
import type { Notice, WebhookRecord, WebhookSecret, WebhooksTable } from "./webhooks-table.ts";

type Settings = Pick<WebhookRecord, "name" | "url" | "types" | "disabled" | "createdBy">;

export function createWebhooksTable(dialect: StoreDialect): WebhooksTable {
  return {
    ...createDeliveries(dialect),
    create: (webhook, countMax, entry) =>
      dialect.write(async (tx) => {
        const held = await lockAll(dialect, tx, webhook.workspaceId);
        if (held.length >= countMax) return false;
        await tx.insertInto("webhooks").values(toRow(webhook)).execute();
        await recordAudit(tx, webhook.workspaceId, [entry]);
        return true;
      }),
    get: async (workspaceId, webhookId) => {
      const row = await one(dialect.reads, workspaceId, webhookId).executeTakeFirst();
      return row === undefined ? undefined : toWebhook(row);
    },
    list: async (workspaceId) => (await all(dialect.reads, workspaceId).execute()).map(toWebhook),
    update: (workspaceId, webhookId, change) =>
      dialect.write(async (tx) => {
        const row = await dialect.forUpdate(one(tx, workspaceId, webhookId)).executeTakeFirst();
        if (row === undefined) return undefined;
        const { webhook, entry } = change(toWebhook(row));
        const { body, secrets } = toRow(webhook);
        await tx
          .updateTable("webhooks")
          .set({ body, secrets })
          .where("workspace_id", "=", workspaceId)
          .where("webhook_id", "=", webhookId)
          .execute();
        await recordAudit(tx, workspaceId, [entry]);
        return webhook;
      }),
    delete: (workspaceId, webhookId, tell) =>
      dialect.write(async (tx) => {
        const row = await tx
          .deleteFrom("webhooks")
          .where("workspace_id", "=", workspaceId)
          .where("webhook_id", "=", webhookId)
          .returningAll()
          .executeTakeFirst();
        await tx
          .deleteFrom("webhook_deliveries")
          .where("workspace_id", "=", workspaceId)
          .where("webhook_id", "=", webhookId)
          .execute();
        if (row !== undefined) await recordAudit(tx, workspaceId, [tell?.(toWebhook(row), undefined)]);
        return row !== undefined;
      }),
  };
}

/** Puts what happened on its way to every webhook that is told of its kind, as part of the write that it tells of. */
export async function enqueueNotices(
  tx: WriteTransaction,
  workspaceId: string,
  notices: readonly Notice[],
): Promise<void> {
  if (notices.length === 0) return;
  const webhooks = (await all(tx, workspaceId).execute()).map(toWebhook);
  const rows = webhooks.flatMap((webhook) =>
    notices
      .filter(({ type }) => webhook.disabled === undefined && webhook.types.includes(type))
      .map((notice) => deliveryRow(webhook, notice)),
  );
  if (rows.length > 0) await tx.insertInto("webhook_deliveries").values(rows).execute();
}

function all(db: Kysely<Database>, workspaceId: string) {
  return db
    .selectFrom("webhooks")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .orderBy("created_at_ms")
    .orderBy("webhook_id");
}

function one(db: Kysely<Database>, workspaceId: string, webhookId: string) {
  return all(db, workspaceId).where("webhook_id", "=", webhookId);
}

/** The workspace's row keeps two that create at once apart. */
async function lockAll(dialect: StoreDialect, tx: WriteTransaction, workspaceId: string): Promise<readonly unknown[]> {
  const workspace = tx.selectFrom("workspaces").select("workspace_id").where("workspace_id", "=", workspaceId);
  await dialect.forUpdate(workspace).execute();
  return all(tx, workspaceId).execute();
}

function toRow({ workspaceId, webhookId, secrets, createdAtMs, ...webhook }: WebhookRecord): WebhookRow {
  const { name, url, types, disabled, createdBy } = webhook;
  const body: Settings = { name, url, types, createdBy, ...(disabled === undefined ? {} : { disabled }) };
  return {
    workspace_id: workspaceId,
    webhook_id: webhookId,
    body: toJson(body),
    secrets: toJson(secrets),
    created_at_ms: createdAtMs,
  };
}

function toWebhook(row: WebhookRow): WebhookRecord {
  return {
    ...fromJson<Settings>(row.body),
    workspaceId: row.workspace_id,
    webhookId: row.webhook_id,
    secrets: fromJson<readonly WebhookSecret[]>(row.secrets),
    createdAtMs: row.created_at_ms,
  };
}
