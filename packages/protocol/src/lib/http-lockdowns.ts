import * as z from "zod";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";
import { lockdownSchema } from "./lockdown.ts";

/** A client that has not said that it obeys a stop order. */
export const lockdownStragglerSchema = z.object({
  clientId: idSchema,
  agent: slugSchema,
  /**
   * `late`: heard from within the last 15 minutes, it does not obey yet. `shadow`, `off`: its enforce mode, in which it acts upon no stop order.
   * `silent`: not heard from for longer; it ended without a word, or is cut off and does as its fail mode says.
   */
  standing: z.enum(["late", "shadow", "off", "silent"]),
  /** The revision that it has; 0 when it has not said. */
  revision: z.int().min(0),
  /** When it last said what it has; absent when it never did. */
  ackedAt: timestampSchema.optional(),
  /** When it was last heard from; exact to about a minute. */
  seenAt: timestampSchema,
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
  /** Clients whose agent it is for, whatever the actor or session, that obey it or were heard from within the last 15 minutes. */
  clientCount: z.int().min(0),
  /** How many of those obey it. */
  acknowledgedCount: z.int().min(0),
  /** Clients beside those, heard from within the last day, that never obeyed it and said no goodbye. */
  silentCount: z.int().min(0),
});
export interface LockdownStatus extends z.infer<typeof lockdownStatusSchema> {}

/** How the acknowledgements of a stop order came in. */
const lockdownCourseSchema = z.object({
  /** Clients that were running and obeyed it, those included that have ended since. */
  stoppedCount: z.int().min(0),
  /** Clients that started while it was in force and obeyed it from their first word on. */
  startedCount: z.int().min(0),
  /** Milliseconds from the order to the acknowledgements of those that were running; absent before the first. */
  ackMs: z.object({ p50: z.number(), p99: z.number(), last: z.number() }).optional(),
  /** How many of them had obeyed after how many milliseconds; at most 50 points, the last one among them. */
  points: z.array(z.object({ afterMs: z.number(), acknowledgedCount: z.int().min(0) })),
});

/** `POST /v1/lockdowns`, `DELETE /v1/lockdowns/{id}` and `GET /v1/lockdowns/{id}` */
export const lockdownAnswerSchema = z.object({
  ...lockdownStatusSchema.shape,
  /** Clients that do not obey it: those to wait for first, then those heard from last; at most 100. Empty once it is lifted. */
  stragglers: z.array(lockdownStragglerSchema),
  course: lockdownCourseSchema,
});
export interface LockdownAnswer extends z.infer<typeof lockdownAnswerSchema> {}

/** `GET /v1/lockdowns`, newest first. */
export const lockdownListSchema = z.object({ lockdowns: z.array(lockdownStatusSchema) });
export interface LockdownList extends z.infer<typeof lockdownListSchema> {}
