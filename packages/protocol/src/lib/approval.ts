import * as z from "zod";
import { actorSchema } from "./actor.ts";
import { toolNameSchema } from "./glob.ts";
import { idSchema, slugSchema, timestampSchema } from "./ids.ts";
import { jsonValueSchema } from "./json.ts";
import { approvalTermsSchema } from "./policy.ts";

export const approvalStatusSchema = z.enum(["pending", "approved", "denied", "expired", "cancelled"]);
export type ApprovalStatus = z.infer<typeof approvalStatusSchema>;

/** A request for a human's answer to one held call. */
export const approvalRequestSchema = z.strictObject({
  /** Made by the client, so that a request sent twice is one approval. Another of the same fingerprint that stands is answered in its place. */
  approvalId: idSchema,
  /** SHA-256 (hex) of agent, tool, canonical arguments and actor: what the answer is bound to. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  agent: slugSchema,
  /** The run and the call that ask. The answer is not bound to them: the same call of another run takes it too. */
  runId: idSchema,
  sessionId: idSchema.optional(),
  callId: idSchema,
  tool: toolNameSchema,
  /** The arguments as the capture setting lets them be shown. */
  args: jsonValueSchema.optional(),
  actor: actorSchema.optional(),
  ruleId: idSchema,
  policyId: idSchema,
  reason: z.string().optional(),
  terms: approvalTermsSchema.optional(),
});
export interface ApprovalRequest extends z.infer<typeof approvalRequestSchema> {}

/** A human's answer. */
export const approvalAnswerSchema = z.strictObject({
  status: z.enum(["approved", "denied"]),
  /** Who answered. */
  by: z.string().min(1).max(256).optional(),
  comment: z.string().max(4096).optional(),
  /**
   * With `approved`: the arguments with which the call is allowed in place of its own. The held call is then denied, and the same call with these
   * arguments is let through once.
   */
  args: jsonValueSchema.optional(),
});
export interface ApprovalAnswer extends z.infer<typeof approvalAnswerSchema> {}

/** What one person answered. */
export const approvalVoteSchema = z.object({
  status: z.enum(["approved", "denied"]),
  by: z.string().optional(),
  comment: z.string().optional(),
  at: timestampSchema,
  /** The API key that brought the answer. */
  keyId: idSchema.optional(),
  /** The arguments that were approved in place of the call's own. */
  args: jsonValueSchema.optional(),
});
export interface ApprovalVote extends z.infer<typeof approvalVoteSchema> {}

/** An approval as the control plane holds it. */
export const approvalSchema = z.object({
  ...approvalRequestSchema.shape,
  status: approvalStatusSchema,
  /** Every answer that counts so far, oldest first. */
  votes: z.array(approvalVoteSchema).optional(),
  /** `args` are exactly those that the answer is bound to: nothing of them was masked or left out. */
  argsExact: z.boolean().optional(),
  /** The call was denied since other arguments were approved in place of its own, under an approval of their own. */
  edited: z.object({ approvalId: idSchema, args: jsonValueSchema }).optional(),
  /** The approval in place of which these arguments were approved. */
  editedFrom: idSchema.optional(),
  by: z.string().optional(),
  comment: z.string().optional(),
  requestedAt: timestampSchema,
  /** Until then it is answered and used, or not at all; a denial counts until then. */
  expiresAt: timestampSchema,
  resolvedAt: timestampSchema.optional(),
  /** When its one use was taken. */
  usedAt: timestampSchema.optional(),
  /** Which run's call took it. */
  usedBy: z.object({ runId: idSchema, callId: idSchema }).optional(),
});
export interface Approval extends z.infer<typeof approvalSchema> {}
