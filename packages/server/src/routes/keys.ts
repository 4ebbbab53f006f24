import {
  createdKeySchema,
  createKeyBodySchema,
  currentKeyAnswerSchema,
  idSchema,
  keysAnswerSchema,
  rotateKeyBodySchema,
} from "@handlebar/protocol";
import * as z from "zod";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";

const TAG = "Keys";
const keyPath = z.strictObject({ keyId: idSchema });

/** API keys: made, listed, rotated and revoked. */
export function keyRoutes({ keys }: Pick<Services, "keys">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/keys",
      operationId: "listKeys",
      summary: "Lists the workspace's API keys, without their secrets",
      tag: TAG,
      scope: "read",
      answers: { 200: { description: "Every key, those that ended included", schema: keysAnswerSchema } },
      handle: async ({ principal }) => ({ status: 200, body: { keys: await keys.list(principal) } }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/keys/current",
      operationId: "readCurrentKey",
      summary: "Says which key asks, and for which workspace",
      tag: TAG,
      answers: { 200: { description: "The key that asks", schema: currentKeyAnswerSchema } },
      handle: async ({ principal }) => ({ status: 200, body: await keys.current(principal) }),
    }),
    defineRoute({
      method: "POST",
      path: "/v1/keys",
      operationId: "createKey",
      summary: "Creates an API key; its secret is shown this once",
      tag: TAG,
      scope: "keys:write",
      body: createKeyBodySchema,
      answers: { 201: { description: "The new key with its secret", schema: createdKeySchema } },
      handle: async ({ principal, body }) => ({ status: 201, body: await keys.create(principal, body) }),
    }),
    defineRoute({
      method: "POST",
      path: "/v1/keys/{keyId}/rotate",
      operationId: "rotateKey",
      summary: "Creates a key in place of another one, which works for some seconds more",
      tag: TAG,
      scope: "keys:write",
      params: keyPath,
      body: rotateKeyBodySchema,
      answers: { 201: { description: "The new key with its secret", schema: createdKeySchema } },
      handle: async ({ principal, params, body }) => ({
        status: 201,
        body: await keys.rotate(principal, params.keyId, body),
      }),
    }),
    defineRoute({
      method: "DELETE",
      path: "/v1/keys/{keyId}",
      operationId: "revokeKey",
      summary: "Revokes an API key at once",
      tag: TAG,
      scope: "keys:write",
      params: keyPath,
      answers: { 204: { description: "The key does not work any more" } },
      handle: async ({ principal, params }) => {
        await keys.revoke(principal, params.keyId);
        return { status: 204 };
      },
    }),
  ];
}
