import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";
import { jsonObjectSchema } from "./json.ts";

/** What somebody did in the control plane. */
export const auditEntrySchema = z.object({
  /** UUIDv7; the order of the log. */
  auditId: idSchema,
  at: timestampSchema,
  /** What was done, as `<thing>.<done>`, such as `approval.answered`. */
  action: z.string(),
  /** The id of what it was done to. */
  ref: idSchema,
  /** The API key that it was done with; absent where time did it, or whoever runs the server. */
  keyId: idSchema.optional(),
  /** The person, where one is known. */
  person: z.string().optional(),
  /**
   * What changed, and what was said with it: `from` and `to` of a version or a mode, counts of rules, names, `comment` and `reason`. Never a secret, a
   * policy's text, or the arguments of a call other than those that an approver put in their place.
   */
  detail: jsonObjectSchema,
});
export interface AuditEntry extends z.infer<typeof auditEntrySchema> {}

/** `GET /v1/audit` */
export const auditQuerySchema = z.strictObject({
  /** Exactly, or all that was done to one kind of thing: `approval.` */
  action: z.string().min(1).max(128).optional(),
  ref: idSchema.optional(),
  person: z.string().min(1).max(256).optional(),
  /** The API key that it was done with. */
  key: idSchema.optional(),
  since: timestampSchema.optional(),
  /** The moment itself is left out. */
  until: timestampSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(1024).optional(),
});
export interface AuditQuery extends z.infer<typeof auditQuerySchema> {}

/** One page of the log, newest first. */
export const auditListSchema = z.object({ entries: z.array(auditEntrySchema), nextCursor: z.string().optional() });
export interface AuditList extends z.infer<typeof auditListSchema> {}
