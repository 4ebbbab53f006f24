import { type CreateWebhookBody, type RotateWebhookBody, WEBHOOK_TYPES, type Webhook } from "@handlebar/protocol";
import { WEBHOOK_COUNT_MAX, WEBHOOK_GIVE_UP_MS, WEBHOOK_GRACE_SECONDS, WEBHOOK_RETENTION_MS } from "../limits.ts";
import type { Page, PageRequest } from "../storage/page.ts";
import type { Store } from "../storage/store.ts";
import type { DeliveryRecord, DeliveryStatus, WebhookRecord } from "../storage/webhooks-table.ts";
import { auditHand } from "./audit-story.ts";
import type { Principal } from "./principal.ts";
import { ServiceProblem } from "./problem.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { TEST_TYPE } from "./webhook-payload.ts";
import { activeSecrets } from "./webhook-sender.ts";
import { newWebhookSecret } from "./webhook-signature.ts";
import { webhookTold } from "./webhook-story.ts";
import type { WebhookTransport } from "./webhook-transport.ts";

export interface WebhooksServiceDeps {
  readonly store: Pick<Store, "webhooks">;
  readonly runtime: Pick<ServerRuntime, "nowMs" | "newId">;
  readonly transport: Pick<WebhookTransport, "refusalOf">;
}

/** A webhook and its newest secret, the one time that it is shown. */
export interface WebhookWithSecret {
  readonly webhook: Webhook;
  readonly secret: string;
}

/** Where people are told of what waits for them. */
export class WebhooksService {
  readonly #deps: WebhooksServiceDeps;

  constructor(deps: WebhooksServiceDeps) {
    this.#deps = deps;
  }

  /** @throws ServiceProblem `HB_REQUEST_INVALID` (`url`), `HB_CONFLICT` (too many). */
  async create(principal: Principal, { name, url, types }: CreateWebhookBody): Promise<WebhookWithSecret> {
    const { runtime, store, transport } = this.#deps;
    const refusal = transport.refusalOf(url);
    if (refusal !== undefined) {
      throw new ServiceProblem("invalid", "HB_REQUEST_INVALID", { message: `\`url\` ${refusal}`, field: "url" });
    }
    const secret = newWebhookSecret();
    const createdAtMs = runtime.nowMs();
    const record: WebhookRecord = {
      workspaceId: principal.workspaceId,
      webhookId: runtime.newId(),
      name,
      url,
      types: types ?? WEBHOOK_TYPES,
      secrets: [{ secret, createdAtMs }],
      createdAtMs,
      createdBy: principal.keyId,
    };
    const entry = webhookTold(auditHand(runtime, principal), "webhook.created")(undefined, record);
    if (await store.webhooks.create(record, WEBHOOK_COUNT_MAX, entry)) return { webhook: this.#shown(record), secret };
    throw new ServiceProblem("conflict", "HB_CONFLICT", {
      message: `this workspace has ${WEBHOOK_COUNT_MAX} webhooks already; delete one that is not needed`,
    });
  }

  async list({ workspaceId }: Principal): Promise<readonly Webhook[]> {
    return (await this.#deps.store.webhooks.list(workspaceId)).map((record) => this.#shown(record));
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async get({ workspaceId }: Principal, webhookId: string): Promise<Webhook> {
    return this.#shown(await this.#find(workspaceId, webhookId));
  }

  /** @throws ServiceProblem `HB_NOT_FOUND`. */
  async delete(principal: Principal, webhookId: string): Promise<void> {
    const tell = webhookTold(auditHand(this.#deps.runtime, principal), "webhook.deleted");
    const isGone = await this.#deps.store.webhooks.delete(principal.workspaceId, webhookId, tell);
    if (!isGone) throw noWebhook(webhookId);
  }

  /** A new secret; the one before signs beside it for a while, and older ones no more. @throws ServiceProblem `HB_NOT_FOUND`. */
  async rotate(
    principal: Principal,
    webhookId: string,
    { graceSeconds = WEBHOOK_GRACE_SECONDS }: RotateWebhookBody,
  ): Promise<WebhookWithSecret> {
    const { runtime, store } = this.#deps;
    const secret = newWebhookSecret();
    const hand = auditHand(runtime, principal);
    const { nowMs } = hand;
    const tell = webhookTold(hand, "webhook.rotated");
    const record = await store.webhooks.update(principal.workspaceId, webhookId, (known) => {
      const [before] = known.secrets;
      const expiresAtMs = nowMs + graceSeconds * 1_000;
      const old = before === undefined || graceSeconds === 0 ? [] : [{ ...before, expiresAtMs }];
      const webhook = { ...known, secrets: [{ secret, createdAtMs: nowMs }, ...old] };
      return { webhook, entry: tell(known, webhook) };
    });
    if (record === undefined) throw noWebhook(webhookId);
    return { webhook: this.#shown(record), secret };
  }

  /** Lets a webhook that was disabled be sent to again. @throws ServiceProblem `HB_NOT_FOUND`. */
  async enable(principal: Principal, webhookId: string): Promise<Webhook> {
    const tell = webhookTold(auditHand(this.#deps.runtime, principal), "webhook.enabled");
    const record = await this.#deps.store.webhooks.update(principal.workspaceId, webhookId, (known) => {
      const { disabled: _, ...webhook } = known;
      return { webhook, entry: tell(known, webhook) };
    });
    if (record === undefined) throw noWebhook(webhookId);
    return this.#shown(record);
  }

  /** Puts a message on its way that only shows that messages arrive. @throws ServiceProblem `HB_NOT_FOUND`. */
  async test({ workspaceId }: Principal, webhookId: string): Promise<DeliveryRecord> {
    const { runtime, store } = this.#deps;
    const webhook = await this.#find(workspaceId, webhookId);
    const messageId = `msg_${runtime.newId().replaceAll("-", "")}`;
    const atMs = runtime.nowMs();
    const notice = { messageId, type: TEST_TYPE, atMs, giveUpAtMs: atMs + WEBHOOK_GIVE_UP_MS, data: {} };
    await store.webhooks.enqueue(webhook, notice);
    return this.#delivery(workspaceId, webhookId, messageId);
  }

  /** Newest first. @throws ServiceProblem `HB_NOT_FOUND`. */
  async deliveries(
    { workspaceId }: Principal,
    { webhookId, status }: { readonly webhookId: string; readonly status?: DeliveryStatus | undefined },
    page: PageRequest,
  ): Promise<Page<DeliveryRecord>> {
    await this.#find(workspaceId, webhookId);
    return this.#deps.store.webhooks.deliveries({ workspaceId, webhookId }, { status }, page);
  }

  /** Sends a message again, for another day where that is needed. @throws ServiceProblem `HB_NOT_FOUND`. */
  async replay({ workspaceId }: Principal, webhookId: string, messageId: string): Promise<DeliveryRecord> {
    const nowMs = this.#deps.runtime.nowMs();
    const at = { nowMs, giveUpAtMs: nowMs + WEBHOOK_GIVE_UP_MS };
    const delivery = await this.#deps.store.webhooks.replay({ workspaceId, webhookId, messageId }, at);
    if (delivery === undefined) throw noMessage(messageId);
    return delivery;
  }

  /** Forgets old messages; for a job. */
  prune(): Promise<number> {
    return this.#deps.store.webhooks.prune(this.#deps.runtime.nowMs() - WEBHOOK_RETENTION_MS);
  }

  async #find(workspaceId: string, webhookId: string): Promise<WebhookRecord> {
    const record = await this.#deps.store.webhooks.get(workspaceId, webhookId);
    if (record === undefined) throw noWebhook(webhookId);
    return record;
  }

  async #delivery(workspaceId: string, webhookId: string, messageId: string): Promise<DeliveryRecord> {
    const delivery = await this.#deps.store.webhooks.delivery({ workspaceId, webhookId, messageId });
    if (delivery === undefined) throw noMessage(messageId);
    return delivery;
  }

  #shown(record: WebhookRecord): Webhook {
    const { webhookId, name, url, types, createdAtMs, createdBy, disabled } = record;
    return {
      webhookId,
      name,
      url,
      types: WEBHOOK_TYPES.filter((type) => types.includes(type)),
      createdAt: new Date(createdAtMs).toISOString(),
      createdBy,
      secretCount: activeSecrets(record, this.#deps.runtime.nowMs()).length,
      ...(disabled === undefined ? {} : { disabled }),
    };
  }
}

function noWebhook(webhookId: string): ServiceProblem {
  const message = `there is no webhook \`${webhookId}\` in this workspace`;
  return new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "webhookId" });
}

function noMessage(messageId: string): ServiceProblem {
  const message = `there is no message \`${messageId}\` of this webhook; messages are kept for a week`;
  return new ServiceProblem("not-found", "HB_NOT_FOUND", { message, field: "messageId" });
}
