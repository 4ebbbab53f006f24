import * as z from "zod";
import { approvalAnswerSchema, approvalSchema, approvalStatusSchema } from "./approval.ts";
import { idSchema, slugSchema } from "./ids.ts";

/** `GET /v1/approvals` */
export const approvalsQuerySchema = z.strictObject({
  status: approvalStatusSchema.optional(),
  run: idSchema.optional(),
  agent: slugSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(1024).optional(),
});
export interface ApprovalsQuery extends z.infer<typeof approvalsQuerySchema> {}

/** One page of approvals, newest first. */
export const approvalListSchema = z.object({ approvals: z.array(approvalSchema), nextCursor: z.string().optional() });
export interface ApprovalList extends z.infer<typeof approvalListSchema> {}

/** `POST /v1/approvals/{approvalId}/cancel` */
export const cancelApprovalBodySchema = z.strictObject({ comment: z.string().max(4096).optional() });
export interface CancelApprovalBody extends z.infer<typeof cancelApprovalBodySchema> {}

/** `POST /v1/approvals/resolve`: one answer to several approvals, each named, so that what came meanwhile is not answered unseen. */
export const resolveApprovalsBodySchema = z.strictObject({
  approvalIds: z.array(idSchema).min(1).max(200),
  ...approvalAnswerSchema.omit({ args: true }).shape,
});
export interface ResolveApprovalsBody extends z.infer<typeof resolveApprovalsBodySchema> {}

/** What became of each, in the order of the request. */
export const resolveApprovalsAnswerSchema = z.object({
  results: z.array(
    z.object({
      approvalId: idSchema,
      /** The approval, where the answer was taken. */
      approval: approvalSchema.optional(),
      /** Why it was not. */
      problem: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
});
export interface ResolveApprovalsAnswer extends z.infer<typeof resolveApprovalsAnswerSchema> {}
