import * as z from "zod";
import { toolNameSchema } from "./glob.ts";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";

/** Whom a lockdown stops. */
export const lockdownScopeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("workspace") }),
  z.strictObject({ kind: z.literal("agent"), slug: slugSchema }),
  z.strictObject({ kind: z.literal("actor"), externalId: idSchema }),
  z.strictObject({ kind: z.literal("session"), sessionId: idSchema }),
  z.strictObject({ kind: z.literal("tool"), name: toolNameSchema }),
]);
export type LockdownScope = z.infer<typeof lockdownScopeSchema>;

/** A stop order. */
export const lockdownSchema = z.strictObject({
  lockdownId: idSchema,
  scope: lockdownScopeSchema,
  reason: z.string().max(1024).optional(),
  /** Lifts itself then; absent holds until it is lifted by hand. */
  until: timestampSchema.optional(),
});
export interface Lockdown extends z.infer<typeof lockdownSchema> {}
