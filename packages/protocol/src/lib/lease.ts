import * as z from "zod";
import { windowScopeSchema } from "./condition.ts";
import { idSchema } from "./ids.ts";

/** A shared window that a rule limits: whose it is, what it adds up and over how long. */
export const budgetKeySchema = z.strictObject({
  policyId: idSchema,
  ruleId: idSchema,
  /** Place of the condition in the rule, from 0 in reading order. */
  index: z.int().min(0),
  scope: windowScopeSchema,
  /** The agent, actor, group or session it belongs to; empty for the workspace. */
  scopeId: z.string().max(1024),
});
export interface BudgetKey extends z.infer<typeof budgetKeySchema> {}

/** A share of a shared budget, granted to one client for a while. */
export const leaseSchema = z.strictObject({
  leaseId: idSchema,
  key: budgetKeySchema,
  /** All that the client may spend under this lease, what it spent before a renewal included: calls, or units of the metric. */
  granted: z.number().min(0),
  /** The client must not spend it after this much time since it asked. */
  ttlMs: z.number().min(0),
  /** What the whole budget has left beyond all leases, when the grant was made. */
  remaining: z.number(),
  /** Epoch milliseconds at which a spent budget has room again. */
  resetAt: z.number().optional(),
  /** There was no room, but other clients hold shares that they may not need: these were called back; ask again after this time. */
  retryAfterMs: z.number().min(0).optional(),
});
export interface Lease extends z.infer<typeof leaseSchema> {}

/**
 * One request about one lease. Each may be sent again, and may arrive late or out of order: what was spent is the highest that was said, and
 * a lease that was returned stays so.
 */
export const leaseOperationSchema = z.discriminatedUnion("op", [
  /** Ask for a share of which `amount` is left to spend; asked twice with the same `leaseId`, it is granted once. */
  z.strictObject({
    op: z.literal("request"),
    leaseId: idSchema,
    key: budgetKeySchema,
    amount: z.number().min(0),
    /**
     * What the calls at hand need of it. Given, the control plane grants what it finds fair between the two, and nothing more where that is
     * less than they need. Absent: `amount`, or what there is.
     */
    least: z.number().min(0).optional(),
  }),
  /** Say what was finally spent under the lease so far, and ask for more time and for as much as it takes to have `amount` left. */
  z.strictObject({
    op: z.literal("renew"),
    leaseId: idSchema,
    key: budgetKeySchema,
    spent: z.number().min(0),
    amount: z.number().min(0),
    least: z.number().min(0).optional(),
  }),
  /** Say what was finally spent under the lease so far. */
  z.strictObject({ op: z.literal("settle"), leaseId: idSchema, key: budgetKeySchema, spent: z.number().min(0) }),
  /** End the lease: nothing is spent under it any more, and what is left is for others. */
  z.strictObject({ op: z.literal("return"), leaseId: idSchema, key: budgetKeySchema, spent: z.number().min(0) }),
]);
export type LeaseOperation = z.infer<typeof leaseOperationSchema>;
