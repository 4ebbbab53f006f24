import type { JsonValue } from "@handlebar/protocol";
import type { AuditEntry, Tell } from "./audit-table.ts";
import type { Page, PageRequest } from "./page.ts";

/** Something that webhooks are told of. */
export interface Notice {
  /** Names the message, the same however often it is sent. */
  readonly messageId: string;
  readonly type: string;
  readonly atMs: number;
  /** When nobody tries any more to deliver it. */
  readonly giveUpAtMs: number;
  /** What it tells of, as it is now. */
  readonly data: JsonValue;
}

export interface WebhookSecret {
  /** `whsec_` and base64. */
  readonly secret: string;
  readonly createdAtMs: number;
  /** Signs no more after this. */
  readonly expiresAtMs?: number | undefined;
}

export interface WebhookRecord {
  readonly workspaceId: string;
  readonly webhookId: string;
  readonly name: string;
  readonly url: string;
  /** Types of what it is told of. */
  readonly types: readonly string[];
  /** Why nothing is sent to it; absent while something is. */
  readonly disabled?: string | undefined;
  /** Newest first; at most two sign at once. */
  readonly secrets: readonly WebhookSecret[];
  readonly createdAtMs: number;
  readonly createdBy: string;
}

/** What becomes of a webhook, and what the log is told of it. */
export interface WebhookWrite {
  readonly webhook: WebhookRecord;
  readonly entry?: AuditEntry | undefined;
}

export type DeliveryStatus = "pending" | "delivered" | "dead";

/** One message on its way to one webhook. */
export interface DeliveryRecord {
  readonly workspaceId: string;
  readonly webhookId: string;
  readonly messageId: string;
  readonly type: string;
  readonly data: JsonValue;
  readonly status: DeliveryStatus;
  readonly createdAtMs: number;
  readonly giveUpAtMs: number;
  readonly nextAttemptAtMs: number | undefined;
  readonly attemptCount: number;
  readonly lastAttemptAtMs: number | undefined;
  /** What came of the last attempt: a status, or why there was none. */
  readonly lastOutcome: string | undefined;
}

export type DeliveryKey = Pick<DeliveryRecord, "workspaceId" | "webhookId" | "messageId">;

/** What an attempt came to. */
export interface AttemptEnd {
  readonly status: DeliveryStatus;
  readonly atMs: number;
  readonly nextAttemptAtMs: number | undefined;
  readonly outcome: string;
}

/** Where people are told of approvals, and the messages on their way there. */
export interface WebhooksTable {
  /** @returns false where the workspace has `countMax` already. */
  create(webhook: WebhookRecord, countMax: number, entry?: AuditEntry): Promise<boolean>;
  get(workspaceId: string, webhookId: string): Promise<WebhookRecord | undefined>;
  /** Oldest first. */
  list(workspaceId: string): Promise<readonly WebhookRecord[]>;
  /** Changes one under a lock. `undefined` when there is none. */
  update(
    workspaceId: string,
    webhookId: string,
    change: (webhook: WebhookRecord) => WebhookWrite,
  ): Promise<WebhookRecord | undefined>;
  /** With its messages. False when there is none. */
  delete(workspaceId: string, webhookId: string, tell?: Tell<WebhookRecord>): Promise<boolean>;
  /** Puts one message on its way to one webhook. */
  enqueue(webhook: Pick<WebhookRecord, "workspaceId" | "webhookId">, notice: Notice): Promise<void>;
  /**
   * Takes messages whose time has come, a few of each webhook, so that no other process takes them before `leaseMs` have passed; whoever took them and
   * died leaves them to be taken again.
   */
  takeDue(options: {
    readonly nowMs: number;
    readonly leaseMs: number;
    /** Webhooks that are left out. */
    readonly except: ReadonlySet<string>;
    readonly webhookCountMax: number;
    readonly perWebhookCountMax: number;
  }): Promise<readonly DeliveryRecord[]>;
  /** Writes what an attempt came to; a message that was deleted is left deleted. */
  settle(key: DeliveryKey, end: AttemptEnd): Promise<void>;
  delivery(key: DeliveryKey): Promise<DeliveryRecord | undefined>;
  /** Newest first. */
  deliveries(
    webhook: Pick<WebhookRecord, "workspaceId" | "webhookId">,
    filter: { readonly status?: DeliveryStatus | undefined },
    page: PageRequest,
  ): Promise<Page<DeliveryRecord>>;
  /** Sends one again from the start. `undefined` when there is none. */
  replay(
    key: DeliveryKey,
    at: { readonly nowMs: number; readonly giveUpAtMs: number },
  ): Promise<DeliveryRecord | undefined>;
  /** Forgets messages that were delivered or given up before. */
  prune(beforeMs: number): Promise<number>;
}
