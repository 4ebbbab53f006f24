import type { Tell } from "../storage/audit-table.ts";
import type { WebhookRecord } from "../storage/webhooks-table.ts";
import { type AuditHand, auditEntry } from "./audit-story.ts";

type WebhookAction = "webhook.created" | "webhook.deleted" | "webhook.rotated" | "webhook.enabled" | "webhook.disabled";

/** What the log is told of a webhook: where it leads and of what it is told, and never its secrets or the rest of its address. */
export function webhookTold(hand: AuditHand, action: WebhookAction): Tell<WebhookRecord> {
  return (before, after) => {
    const webhook = after ?? before;
    if (webhook === undefined || (action === "webhook.enabled" && before?.disabled === undefined)) return undefined;
    const [newest, old] = webhook.secrets;
    const graceEndMs = action === "webhook.rotated" && newest !== undefined ? old?.expiresAtMs : undefined;
    return auditEntry(hand, action, {
      ref: webhook.webhookId,
      detail: {
        name: webhook.name,
        origin: new URL(webhook.url).origin,
        types: action === "webhook.created" ? webhook.types : undefined,
        oldSecretEndsAt: graceEndMs === undefined ? undefined : new Date(graceEndMs).toISOString(),
        why: after?.disabled,
      },
    });
  };
}
