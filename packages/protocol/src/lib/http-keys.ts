import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";

/** What a key lets its holder do. `admin` includes all others. */
export const SCOPES = [
  "agents:write",
  "check",
  "events:write",
  "read",
  "policies:write",
  "approvals:resolve",
  "lockdowns:write",
  "webhooks:write",
  "keys:write",
  "admin",
] as const;
export const scopeSchema: z.ZodEnum<{ [S in (typeof SCOPES)[number]]: S }> = z.enum(SCOPES);
export type Scope = z.infer<typeof scopeSchema>;

/** What the secret of an API key looks like, for secret scanners and early checks. */
export const API_KEY_PATTERN: RegExp = /^hb_([a-z0-9]{10})_([A-Za-z0-9_-]{43})$/;

/** An API key, without its secret. */
export const apiKeySchema = z.object({
  /** The public part of the key. */
  keyId: idSchema,
  name: z.string(),
  scopes: z.array(scopeSchema),
  /** Whose key it is, where it is one person's: what is answered with it is answered by them, and by nobody else. */
  person: z.string().optional(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema.optional(),
  /** Exact to about a minute. */
  lastUsedAt: timestampSchema.optional(),
  revokedAt: timestampSchema.optional(),
  /** The key that took its place. */
  replacedBy: idSchema.optional(),
});
export interface ApiKey extends z.infer<typeof apiKeySchema> {}

/** `POST /v1/keys` */
export const createKeyBodySchema = z.strictObject({
  name: z.string().min(1).max(128),
  /** What an SDK needs where absent: `agents:write`, `check` and `events:write`. */
  scopes: z.array(scopeSchema).min(1).max(SCOPES.length).optional(),
  /** Whose key it is: approvals answered with it are theirs, under this name alone. */
  person: z.string().min(1).max(256).optional(),
  expiresAt: timestampSchema.optional(),
});
export interface CreateKeyBody extends z.infer<typeof createKeyBodySchema> {}

/** `POST /v1/keys/{keyId}/rotate` */
export const rotateKeyBodySchema = z.strictObject({
  /** How long the old key still works. Default 0: it ends at once. */
  graceSeconds: z.int().min(0).max(2_592_000).optional(),
  /** When the new key ends; absent keeps the old key's end. */
  expiresAt: timestampSchema.optional(),
});
export interface RotateKeyBody extends z.infer<typeof rotateKeyBodySchema> {}

/** A key that was just made; `secret` is shown this once. */
export const createdKeySchema = z.object({ key: apiKeySchema, secret: z.string() });
export interface CreatedKey extends z.infer<typeof createdKeySchema> {}

/** `GET /v1/keys` */
export const keysAnswerSchema = z.object({ keys: z.array(apiKeySchema) });
export interface KeysAnswer extends z.infer<typeof keysAnswerSchema> {}

/** `GET /v1/keys/current`: the key that asks. */
export const currentKeyAnswerSchema = z.object({
  workspace: z.object({ workspaceId: idSchema, name: z.string() }),
  key: apiKeySchema,
});
export interface CurrentKeyAnswer extends z.infer<typeof currentKeyAnswerSchema> {}
