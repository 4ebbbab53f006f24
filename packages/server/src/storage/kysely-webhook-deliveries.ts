import type { JsonValue } from "@handlebar/protocol";
import type { Kysely } from "kysely";
import { pageOf, readCursor } from "./cursor.ts";
import type { StoreDialect, WriteTransaction } from "./dialect.ts";
import { fromJson, toJson } from "./json-column.ts";
import type { PageRequest } from "./page.ts";
import type { Database, WebhookDeliveryRow } from "./schema.ts";
import type {
  DeliveryKey,
  DeliveryRecord,
  DeliveryStatus,
  Notice,
  WebhookRecord,
  WebhooksTable,
} from "./webhooks-table.ts";

type Deliveries = Pick<
  WebhooksTable,
  "enqueue" | "takeDue" | "settle" | "delivery" | "deliveries" | "replay" | "prune"
>;

export function createDeliveries(dialect: StoreDialect): Deliveries {
  return {
    enqueue: (webhook, notice) =>
      dialect.write(async (tx) => {
        await tx.insertInto("webhook_deliveries").values(deliveryRow(webhook, notice)).execute();
      }),
    takeDue: (options) => takeDue(dialect, options),
    settle: (key, end) =>
      dialect.write(async (tx) => {
        await update(tx, key, {
          status: end.status,
          next_attempt_at_ms: end.nextAttemptAtMs ?? null,
          last_attempt_at_ms: end.atMs,
          last_outcome: end.outcome,
        })
          // A process that was late does not undo what another one did meanwhile.
          .where("status", "=", "pending")
          .execute();
      }),
    delivery: async (key) => {
      const row = await find(dialect.reads, key).executeTakeFirst();
      return row === undefined ? undefined : toDelivery(row);
    },
    deliveries: async (webhook, { status }, page) => {
      const rows = await search(dialect.searches, webhook, { status, page }).execute();
      return pageOf(rows, { page, item: toDelivery, key: (row) => [row.created_at_ms, row.message_id] });
    },
    replay: (key, { nowMs, giveUpAtMs }) =>
      dialect.write(async (tx) => {
        const change = { status: "pending", next_attempt_at_ms: nowMs, give_up_at_ms: giveUpAtMs, attempt_count: 0 };
        await update(tx, key, change).execute();
        const row = await find(tx, key).executeTakeFirst();
        return row === undefined ? undefined : toDelivery(row);
      }),
    prune: (beforeMs) =>
      dialect.write(async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("webhook_deliveries")
          .where("status", "<>", "pending")
          .where("created_at_ms", "<", beforeMs)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

/** A message before its first attempt. */
export function deliveryRow(
  { workspaceId, webhookId }: Pick<WebhookRecord, "workspaceId" | "webhookId">,
  { messageId, type, atMs, giveUpAtMs, data }: Notice,
): WebhookDeliveryRow {
  return {
    workspace_id: workspaceId,
    webhook_id: webhookId,
    message_id: messageId,
    type,
    data: toJson(data),
    status: "pending",
    created_at_ms: atMs,
    give_up_at_ms: giveUpAtMs,
    next_attempt_at_ms: atMs,
    attempt_count: 0,
    last_attempt_at_ms: null,
    last_outcome: null,
  };
}

async function takeDue(
  dialect: StoreDialect,
  options: Parameters<WebhooksTable["takeDue"]>[0],
): Promise<readonly DeliveryRecord[]> {
  const { nowMs, leaseMs, except, webhookCountMax, perWebhookCountMax } = options;
  // Most looks find nothing, and take no turn of those who write.
  const first = await dueWebhooks(dialect.reads, nowMs).limit(1).executeTakeFirst();
  if (first === undefined) return [];
  return dialect.write(async (tx) => {
    const found = await dueWebhooks(tx, nowMs)
      .limit(webhookCountMax + except.size)
      .execute();
    const webhooks = found.filter(({ webhook_id: id }) => !except.has(id)).slice(0, webhookCountMax);
    const taken: DeliveryRecord[] = [];
    for (const { workspace_id: workspaceId, webhook_id: webhookId } of webhooks) {
      const due = ofWebhook(tx, { workspaceId, webhookId })
        .where("next_attempt_at_ms", "<=", nowMs)
        .orderBy("next_attempt_at_ms")
        .orderBy("message_id")
        .limit(perWebhookCountMax);
      for (const row of await dialect.forUpdate(due).execute()) {
        const change = { next_attempt_at_ms: nowMs + leaseMs, attempt_count: row.attempt_count + 1 };
        await update(tx, { workspaceId, webhookId, messageId: row.message_id }, change).execute();
        taken.push(toDelivery({ ...row, ...change }));
      }
    }
    return taken;
  });
}

/** Webhooks with messages whose time has come, the one that waits longest first. */
function dueWebhooks(db: Kysely<Database>, nowMs: number) {
  return db
    .selectFrom("webhook_deliveries")
    .select(["workspace_id", "webhook_id"])
    .where("next_attempt_at_ms", "is not", null)
    .where("next_attempt_at_ms", "<=", nowMs)
    .groupBy(["workspace_id", "webhook_id"])
    .orderBy((eb) => eb.fn.min("next_attempt_at_ms"));
}

function ofWebhook(db: Kysely<Database>, { workspaceId, webhookId }: Pick<WebhookRecord, "workspaceId" | "webhookId">) {
  return db
    .selectFrom("webhook_deliveries")
    .selectAll()
    .where("workspace_id", "=", workspaceId)
    .where("webhook_id", "=", webhookId);
}

function find(db: Kysely<Database>, { messageId, ...webhook }: DeliveryKey) {
  return ofWebhook(db, webhook).where("message_id", "=", messageId);
}

function update(
  tx: WriteTransaction,
  { workspaceId, webhookId, messageId }: DeliveryKey,
  change: Partial<WebhookDeliveryRow>,
) {
  return tx
    .updateTable("webhook_deliveries")
    .set(change)
    .where("workspace_id", "=", workspaceId)
    .where("webhook_id", "=", webhookId)
    .where("message_id", "=", messageId);
}

function search(
  db: Kysely<Database>,
  webhook: Pick<WebhookRecord, "workspaceId" | "webhookId">,
  { status, page }: { readonly status: DeliveryStatus | undefined; readonly page: PageRequest },
) {
  let query = ofWebhook(db, webhook);
  if (status !== undefined) query = query.where("status", "=", status);
  if (page.cursor !== undefined) {
    const [atMs, messageId] = readCursor(page.cursor, ["number", "string"]);
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("created_at_ms", "message_id"), "<", tuple(Number(atMs), String(messageId))),
    );
  }
  return query
    .orderBy("created_at_ms", "desc")
    .orderBy("message_id", "desc")
    .limit(page.limit + 1);
}

function toDelivery(row: WebhookDeliveryRow): DeliveryRecord {
  return {
    workspaceId: row.workspace_id,
    webhookId: row.webhook_id,
    messageId: row.message_id,
    type: row.type,
    data: fromJson<JsonValue>(row.data),
    // Only this file writes the column.
    status: row.status as DeliveryStatus,
    createdAtMs: row.created_at_ms,
    giveUpAtMs: row.give_up_at_ms,
    nextAttemptAtMs: row.next_attempt_at_ms ?? undefined,
    attemptCount: row.attempt_count,
    lastAttemptAtMs: row.last_attempt_at_ms ?? undefined,
    lastOutcome: row.last_outcome ?? undefined,
  };
}
