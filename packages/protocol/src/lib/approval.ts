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
  /** Made by the client, so that a request sent twice is one approval. */
  approvalId: idSchema,
  /** SHA-256 (hex) of agent, tool, canonical arguments and actor: what the answer is bound to. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  agent: slugSchema,
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
});
export interface ApprovalAnswer extends z.infer<typeof approvalAnswerSchema> {}

/** An approval as the control plane holds it. */
export const approvalSchema = z.strictObject({
  ...approvalRequestSchema.shape,
  status: approvalStatusSchema,
  by: z.string().optional(),
  comment: z.string().optional(),
  requestedAt: timestampSchema,
  expiresAt: timestampSchema,
  resolvedAt: timestampSchema.optional(),
  /** When its one use was taken. */
  usedAt: timestampSchema.optional(),
});
export interface Approval extends z.infer<typeof approvalSchema> {}
