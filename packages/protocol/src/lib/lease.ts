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
});
export interface Lease extends z.infer<typeof leaseSchema> {}

/** One request about one lease. */
export const leaseOperationSchema = z.discriminatedUnion("op", [
  /** Ask for a share; asked twice with the same `leaseId`, it is granted once. */
  z.strictObject({ op: z.literal("request"), leaseId: idSchema, key: budgetKeySchema, amount: z.number().positive() }),
  /** Say what was spent under the lease so far, and ask for more time and for `amount` more. */
  z.strictObject({
    op: z.literal("renew"),
    leaseId: idSchema,
    key: budgetKeySchema,
    spent: z.number().min(0),
    amount: z.number().min(0),
  }),
  /** Say what was really spent where it was reserved from an estimate. */
  z.strictObject({ op: z.literal("settle"), leaseId: idSchema, key: budgetKeySchema, spent: z.number().min(0) }),
  /** Give back what is left. */
  z.strictObject({ op: z.literal("return"), leaseId: idSchema, key: budgetKeySchema, spent: z.number().min(0) }),
]);
export type LeaseOperation = z.infer<typeof leaseOperationSchema>;
