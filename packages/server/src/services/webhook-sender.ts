import {
  WEBHOOK_LANE_COUNT_MAX,
  WEBHOOK_LANE_WIDTH,
  WEBHOOK_LEASE_MS,
  WEBHOOK_RETRY_BASE_MS,
  WEBHOOK_RETRY_MAX_MS,
  WEBHOOK_TIMEOUT_MS,
} from "../limits.ts";
import type { Store } from "../storage/store.ts";
import type { AttemptEnd, DeliveryRecord, WebhookRecord } from "../storage/webhooks-table.ts";
import { auditHand } from "./audit-story.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { webhookBody } from "./webhook-payload.ts";
import { signedHeaders } from "./webhook-signature.ts";
import { webhookTold } from "./webhook-story.ts";
import type { WebhookAnswer, WebhookTransport } from "./webhook-transport.ts";

export interface WebhookSenderDeps {
  readonly store: Pick<Store, "webhooks">;
  readonly runtime: Pick<ServerRuntime, "nowMs" | "newId">;
  readonly transport: WebhookTransport;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Where people reach this control plane, without a slash at its end. */
  readonly publicUrl: string | undefined;
  /** Told of what failed beside the attempts themselves. */
  readonly onError: (error: unknown) => void;
}

/**
 * Sends what waits for webhooks: each message until it arrives or its time is over, and one webhook that is slow or gone holds up no other. A message
 * is sent at least once; its id tells receivers of one that comes again.
 */
export class WebhookSender {
  readonly #deps: WebhookSenderDeps;
  /** Webhooks that are being sent to. */
  readonly #lanes = new Map<string, Promise<void>>();
  #isStopped = false;

  constructor(deps: WebhookSenderDeps) {
    this.#deps = deps;
  }

  /** Takes what is due and begins to send it; for a job. */
  async tick(): Promise<void> {
    const webhookCountMax = WEBHOOK_LANE_COUNT_MAX - this.#lanes.size;
    if (this.#isStopped || webhookCountMax <= 0) return;
    const taken = await this.#deps.store.webhooks.takeDue({
      nowMs: this.#deps.runtime.nowMs(),
      leaseMs: WEBHOOK_LEASE_MS,
      except: new Set(this.#lanes.keys()),
      webhookCountMax,
      perWebhookCountMax: WEBHOOK_LANE_WIDTH,
    });
    for (const [webhookId, deliveries] of byWebhook(taken)) {
      const lane = this.#runLane(webhookId, deliveries).catch(this.#deps.onError);
      this.#lanes.set(webhookId, lane);
    }
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes.values());
  }

  /** Sends nothing new and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.idle();
  }

  async #runLane(webhookId: string, deliveries: readonly DeliveryRecord[]): Promise<void> {
    try {
      await this.#sendAll(deliveries);
    } finally {
      this.#lanes.delete(webhookId);
    }
    // There may be more: what failed is not due yet.
    if (deliveries.length === WEBHOOK_LANE_WIDTH) await this.tick();
  }

  async #sendAll(deliveries: readonly DeliveryRecord[]): Promise<void> {
    const [first] = deliveries;
    if (first === undefined) return;
    const webhook = await this.#deps.store.webhooks.get(first.workspaceId, first.webhookId);
    await Promise.all(deliveries.map((delivery) => this.#send(delivery, webhook)));
  }

  async #send(delivery: DeliveryRecord, webhook: WebhookRecord | undefined): Promise<void> {
    const { store, runtime } = this.#deps;
    if (webhook === undefined || webhook.disabled !== undefined) {
      const outcome = `the webhook is ${webhook === undefined ? "gone" : "disabled"}`;
      return store.webhooks.settle(delivery, dead(outcome, runtime.nowMs()));
    }
    const answer = await this.#attempt(delivery, webhook);
    const end = this.#endOf(delivery, answer);
    if (answer.kind === "answered" && answer.status === GONE) {
      const tell = webhookTold(auditHand(runtime), "webhook.disabled");
      const disabled = "it answered 410: it wants no more messages";
      await store.webhooks.update(webhook.workspaceId, webhook.webhookId, (known) => {
        const changed = { ...known, disabled };
        return { webhook: changed, entry: known.disabled === undefined ? tell(known, changed) : undefined };
      });
    }
    await store.webhooks.settle(delivery, end);
  }

  #attempt(delivery: DeliveryRecord, webhook: WebhookRecord): Promise<WebhookAnswer> {
    const { runtime, transport, publicUrl } = this.#deps;
    const nowMs = runtime.nowMs();
    const body = webhookBody(delivery, publicUrl);
    const message = { messageId: delivery.messageId, timestampSeconds: Math.floor(nowMs / 1_000), body };
    const headers = {
      ...signedHeaders(message, activeSecrets(webhook, nowMs)),
      "content-type": "application/json",
      "user-agent": "handlebar-webhooks/1",
    };
    return transport.send({ url: webhook.url, headers, body, timeoutMs: WEBHOOK_TIMEOUT_MS });
  }

  #endOf(delivery: DeliveryRecord, answer: WebhookAnswer): AttemptEnd {
    const nowMs = this.#deps.runtime.nowMs();
    const outcome = answer.kind === "failed" ? answer.reason : `answered ${answer.status}`;
    if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) {
      return { status: "delivered", atMs: nowMs, nextAttemptAtMs: undefined, outcome };
    }
    if (answer.kind === "answered" && answer.status === GONE) return dead(outcome, nowMs);
    const asked = answer.kind === "answered" ? (answer.retryAfterSeconds ?? 0) * 1_000 : 0;
    const doubled = WEBHOOK_RETRY_BASE_MS * 2 ** Math.min(delivery.attemptCount - 1, 20);
    const ownMs = Math.min(WEBHOOK_RETRY_MAX_MS, doubled) * (0.5 + this.#deps.random() / 2);
    const nextAttemptAtMs = Math.ceil(nowMs + Math.max(ownMs, Math.min(asked, WEBHOOK_RETRY_MAX_MS)));
    if (nextAttemptAtMs > delivery.giveUpAtMs) return dead(outcome, nowMs);
    return { status: "pending", atMs: nowMs, nextAttemptAtMs, outcome };
  }
}

const GONE = 410;

function byWebhook(deliveries: readonly DeliveryRecord[]): ReadonlyMap<string, readonly DeliveryRecord[]> {
  const lanes = new Map<string, DeliveryRecord[]>();
  for (const delivery of deliveries) {
    const lane = lanes.get(delivery.webhookId) ?? [];
    lanes.set(delivery.webhookId, lane);
    lane.push(delivery);
  }
  return lanes;
}

function dead(outcome: string, atMs: number): AttemptEnd {
  return { status: "dead", atMs, nextAttemptAtMs: undefined, outcome };
}

/** The secrets that sign now, the newest first. */
export function activeSecrets({ secrets }: Pick<WebhookRecord, "secrets">, nowMs: number): readonly string[] {
  return secrets
    .filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs)
    .map(({ secret }) => secret);
}
