import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";

/** What a webhook can be told of. */
export const WEBHOOK_TYPES = ["approval.requested", "approval.resolved"] as const;
export const webhookTypeSchema: z.ZodEnum<{ [T in (typeof WEBHOOK_TYPES)[number]]: T }> = z.enum(WEBHOOK_TYPES);
export type WebhookType = z.infer<typeof webhookTypeSchema>;

/** Somewhere that is told of what happens, by signed requests. */
export const webhookSchema = z.object({
  webhookId: idSchema,
  name: z.string(),
  url: z.string(),
  types: z.array(webhookTypeSchema),
  createdAt: timestampSchema,
  /** The key that created it. */
  createdBy: z.string(),
  /** Why nothing is sent there; absent while something is. */
  disabled: z.string().optional(),
  /** How many secrets sign: two for a while after a rotation. */
  secretCount: z.int().min(1),
});
export interface Webhook extends z.infer<typeof webhookSchema> {}

const url = z.url({ protocol: /^https?$/ }).max(2048);

/** `POST /v1/webhooks` */
export const createWebhookBodySchema = z.strictObject({
  name: z.string().min(1).max(128),
  /** `https`; `http` only into networks that the server's configuration names. */
  url,
  /** Default: all of them. */
  types: z.array(webhookTypeSchema).min(1).max(WEBHOOK_TYPES.length).optional(),
});
export interface CreateWebhookBody extends z.infer<typeof createWebhookBodySchema> {}

/** A webhook and the secret that signs from now on, which is shown this once. */
export const webhookSecretAnswerSchema = z.object({
  webhook: webhookSchema,
  /** `whsec_` and base64, as receivers' libraries take it. */
  secret: z.string(),
});
export interface WebhookSecretAnswer extends z.infer<typeof webhookSecretAnswerSchema> {}

/** `GET /v1/webhooks` */
export const webhookListSchema = z.object({ webhooks: z.array(webhookSchema) });
export interface WebhookList extends z.infer<typeof webhookListSchema> {}

/** `POST /v1/webhooks/{webhookId}/rotate` */
export const rotateWebhookBodySchema = z.strictObject({
  /** How long the old secret still signs beside the new one. Default 86,400. */
  graceSeconds: z.int().min(0).max(2_592_000).optional(),
});
export interface RotateWebhookBody extends z.infer<typeof rotateWebhookBodySchema> {}

export const deliveryStatusSchema = z.enum(["pending", "delivered", "dead"]);
export type DeliveryStatus = z.infer<typeof deliveryStatusSchema>;

/** One message on its way to a webhook. */
export const webhookDeliverySchema = z.object({
  /** The `webhook-id` of each of its requests. */
  messageId: idSchema,
  type: z.string(),
  /** `dead`: given up after 24 hours, or refused for good. */
  status: deliveryStatusSchema,
  createdAt: timestampSchema,
  attemptCount: z.int().min(0),
  lastAttemptAt: timestampSchema.optional(),
  nextAttemptAt: timestampSchema.optional(),
  /** What came of the last attempt. */
  lastOutcome: z.string().optional(),
});
export interface WebhookDelivery extends z.infer<typeof webhookDeliverySchema> {}

/** `GET /v1/webhooks/{webhookId}/deliveries` */
export const deliveriesQuerySchema = z.strictObject({
  status: deliveryStatusSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(1024).optional(),
});
export interface DeliveriesQuery extends z.infer<typeof deliveriesQuerySchema> {}

/** One page of messages, newest first. */
export const deliveryListSchema = z.object({
  deliveries: z.array(webhookDeliverySchema),
  nextCursor: z.string().optional(),
});
export interface DeliveryList extends z.infer<typeof deliveryListSchema> {}

/** `POST /v1/webhooks/{webhookId}/test` and `POST /v1/webhooks/{webhookId}/deliveries/{messageId}/replay` */
export const deliveryAnswerSchema = z.object({ delivery: webhookDeliverySchema });
export interface DeliveryAnswer extends z.infer<typeof deliveryAnswerSchema> {}
