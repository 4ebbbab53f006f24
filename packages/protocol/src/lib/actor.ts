import * as z from "zod";
import { idSchema } from "./ids.ts";
import { stringMapSchema } from "./json.ts";

const party = {
  /** The identifier that the user's own system gives. */
  externalId: idSchema,
  /** A name for people. */
  name: z.string().max(256).optional(),
  /** Facts about it that policies may read, such as `tier` or `timezone`. */
  metadata: stringMapSchema.optional(),
};

/** What an actor belongs to, such as a customer's organisation. */
export const actorGroupSchema = z.strictObject(party);
export interface ActorGroup extends z.infer<typeof actorGroupSchema> {}

/** Whom a run acts for: an end user, a system or another agent. */
export const actorSchema = z.strictObject({ ...party, group: actorGroupSchema.optional() });
export interface Actor extends z.infer<typeof actorSchema> {}
