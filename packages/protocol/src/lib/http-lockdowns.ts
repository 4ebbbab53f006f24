import * as z from "zod";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";
import { lockdownSchema } from "./lockdown.ts";

/** A client that has not said that it obeys a stop order. */
export const lockdownStragglerSchema = z.object({
  clientId: idSchema,
  agent: slugSchema,
  /** The revision that it has. */
  revision: z.int().min(0),
  /** When it was last heard from. */
  ackedAt: timestampSchema,
});
export interface LockdownStraggler extends z.infer<typeof lockdownStragglerSchema> {}

/** A stop order, and who has it. */
export const lockdownStatusSchema = z.object({
  lockdown: lockdownSchema,
  /** The state's revision with which it came into force. */
  revision: z.int().min(0),
  inForce: z.boolean(),
  createdAt: timestampSchema,
  /** The key that created it. */
  createdBy: z.string(),
  liftedAt: timestampSchema.optional(),
  /** The key that lifted it, or `until` when its time was over. */
  liftedBy: z.string().optional(),
  /** Clients heard from within the last day whose agent it is for, whatever the actor or session. */
  clientCount: z.int().min(0),
  /** How many of those obey it. */
  acknowledgedCount: z.int().min(0),
});
export interface LockdownStatus extends z.infer<typeof lockdownStatusSchema> {}

/** `POST /v1/lockdowns`, `DELETE /v1/lockdowns/{id}` and `GET /v1/lockdowns/{id}` */
export const lockdownAnswerSchema = z.object({
  ...lockdownStatusSchema.shape,
  /** Clients that do not have it yet, those heard from last first; at most 100. Empty once it is lifted. */
  stragglers: z.array(lockdownStragglerSchema),
});
export interface LockdownAnswer extends z.infer<typeof lockdownAnswerSchema> {}

/** `GET /v1/lockdowns`, newest first. */
export const lockdownListSchema = z.object({ lockdowns: z.array(lockdownStatusSchema) });
export interface LockdownList extends z.infer<typeof lockdownListSchema> {}
