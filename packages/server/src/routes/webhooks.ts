import {
  createWebhookBodySchema,
  deliveriesQuerySchema,
  deliveryAnswerSchema,
  deliveryListSchema,
  idSchema,
  rotateWebhookBodySchema,
  type WebhookDelivery,
  webhookListSchema,
  webhookSchema,
  webhookSecretAnswerSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { LIST_PAGE_COUNT } from "../limits.ts";
import type { Services } from "../services/services.ts";
import type { WebhooksService } from "../services/webhooks-service.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Webhooks";
const webhookParams = z.object({ webhookId: idSchema });
const messageParams = z.object({ webhookId: idSchema, messageId: idSchema });

type Needed = Pick<Services, "webhooks">;
type Delivery = Awaited<ReturnType<WebhooksService["test"]>>;

/** Where people are told of what waits for them, and the messages on their way there. */
export function webhooksRoutes(services: Needed): readonly Route[] {
  return [...settingRoutes(services), ...secretRoutes(services), ...messageRoutes(services)];
}

function settingRoutes({ webhooks }: Needed): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/webhooks",
      operationId: "createWebhook",
      summary: "Creates a webhook; its secret is shown this once",
      tag: TAG,
      scope: "webhooks:write",
      body: createWebhookBodySchema,
      answers: { 201: { description: "The webhook with its secret", schema: webhookSecretAnswerSchema } },
      handle: async ({ principal, body }) => ({ status: 201, body: await webhooks.create(principal, body) }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/webhooks",
      operationId: "listWebhooks",
      summary: "Lists webhooks, without their secrets",
      tag: TAG,
      scope: "read",
      orScopes: ["webhooks:write"],
      answers: { 200: { description: "Every webhook, oldest first", schema: webhookListSchema } },
      handle: async ({ principal }) => ({ status: 200, body: { webhooks: await webhooks.list(principal) } }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/webhooks/{webhookId}",
      operationId: "getWebhook",
      summary: "One webhook",
      tag: TAG,
      scope: "read",
      orScopes: ["webhooks:write"],
      params: webhookParams,
      answers: { 200: { description: "The webhook", schema: webhookSchema } },
      handle: async ({ principal, params }) => ({ status: 200, body: await webhooks.get(principal, params.webhookId) }),
    }),
    defineRoute({
      method: "DELETE",
      path: "/v1/webhooks/{webhookId}",
      operationId: "deleteWebhook",
      summary: "Deletes a webhook with its messages",
      tag: TAG,
      scope: "webhooks:write",
      params: webhookParams,
      answers: { 204: { description: "It is told of nothing any more" } },
      handle: async ({ principal, params }) => {
        await webhooks.delete(principal, params.webhookId);
        return { status: 204 };
      },
    }),
  ];
}

function secretRoutes({ webhooks }: Needed): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/webhooks/{webhookId}/rotate",
      operationId: "rotateWebhook",
      summary: "Gives a webhook a new secret; the one before signs beside it for a while",
      tag: TAG,
      scope: "webhooks:write",
      params: webhookParams,
      body: rotateWebhookBodySchema,
      answers: { 200: { description: "The webhook with its new secret", schema: webhookSecretAnswerSchema } },
      handle: async ({ principal, params, body }) => ({
        status: 200,
        body: await webhooks.rotate(principal, params.webhookId, body),
      }),
    }),
    defineRoute({
      method: "POST",
      path: "/v1/webhooks/{webhookId}/enable",
      operationId: "enableWebhook",
      summary: "Sends again to a webhook that was disabled since it answered 410",
      tag: TAG,
      scope: "webhooks:write",
      params: webhookParams,
      answers: { 200: { description: "The webhook", schema: webhookSchema } },
      handle: async ({ principal, params }) => ({
        status: 200,
        body: await webhooks.enable(principal, params.webhookId),
      }),
    }),
  ];
}

function messageRoutes({ webhooks }: Needed): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/webhooks/{webhookId}/test",
      operationId: "testWebhook",
      summary: "Sends a message that only shows that messages arrive",
      tag: TAG,
      scope: "webhooks:write",
      params: webhookParams,
      answers: { 202: { description: "The message, on its way", schema: deliveryAnswerSchema } },
      handle: async ({ principal, params }) => ({
        status: 202,
        body: { delivery: shown(await webhooks.test(principal, params.webhookId)) },
      }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/webhooks/{webhookId}/deliveries",
      operationId: "listDeliveries",
      summary: "Lists a webhook's messages of the last week, newest first",
      tag: TAG,
      scope: "read",
      orScopes: ["webhooks:write"],
      params: webhookParams,
      query: deliveriesQuerySchema,
      answers: { 200: { description: "One page of messages", schema: deliveryListSchema } },
      handle: async ({ principal, params, query: { status, limit = LIST_PAGE_COUNT, cursor } }) => {
        const { webhookId } = params;
        const page = await webhooks.deliveries(principal, { webhookId, status }, { limit, cursor });
        return { status: 200, body: { deliveries: page.items.map(shown), nextCursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/webhooks/{webhookId}/deliveries/{messageId}/replay",
      operationId: "replayDelivery",
      summary: "Sends a message again, whether it arrived or was given up",
      tag: TAG,
      scope: "webhooks:write",
      params: messageParams,
      answers: { 202: { description: "The message, on its way again", schema: deliveryAnswerSchema } },
      handle: async ({ principal, params: { webhookId, messageId } }) => ({
        status: 202,
        body: { delivery: shown(await webhooks.replay(principal, webhookId, messageId)) },
      }),
    }),
  ];
}

function shown(delivery: Delivery): WebhookDelivery {
  const { messageId, type, status, createdAtMs, attemptCount, lastAttemptAtMs, nextAttemptAtMs, lastOutcome } =
    delivery;
  return {
    messageId,
    type,
    status,
    createdAt: timeText(createdAtMs),
    attemptCount,
    ...(lastAttemptAtMs === undefined ? {} : { lastAttemptAt: timeText(lastAttemptAtMs) }),
    ...(nextAttemptAtMs === undefined ? {} : { nextAttemptAt: timeText(nextAttemptAtMs) }),
    ...(lastOutcome === undefined ? {} : { lastOutcome }),
  };
}
