import * as z from "zod";
import { idSchema } from "./ids.ts";
import { jsonValueSchema } from "./json.ts";
import { redactionSchema } from "./policy.ts";

/** Machine-readable why, tagged by `kind`. */
export const causeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ALLOW") }),
  z.strictObject({ kind: z.literal("RULE_VIOLATION"), ruleId: idSchema, policyId: idSchema }),
  z.strictObject({
    kind: z.literal("HITL_PENDING"),
    /** Absent only inside the engine, before the approval was created. */
    approvalId: idSchema.optional(),
    ruleId: idSchema.optional(),
    policyId: idSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal("HITL_DENIED"),
    approvalId: idSchema,
    by: z.string().optional(),
    /** The arguments with which a person allowed the call in place of its own; made with them, it is let through once. */
    instead: jsonValueSchema.optional(),
  }),
  z.strictObject({ kind: z.literal("HITL_APPROVED"), approvalId: idSchema, by: z.string().optional() }),
  z.strictObject({ kind: z.literal("LOCKDOWN"), lockdownId: idSchema }),
  z.strictObject({
    kind: z.literal("BUDGET_EXHAUSTED"),
    ruleId: idSchema,
    policyId: idSchema,
    /** Epoch milliseconds at which the window has room again, where that is known. */
    resetAt: z.number().optional(),
  }),
  /** Something needed was out of reach; `code` says what (`HB_...`). With verdict ALLOW: decided without it (fail open). */
  z.strictObject({ kind: z.literal("UNAVAILABLE"), code: z.string() }),
  z.strictObject({ kind: z.literal("RUN_ENDED") }),
]);
export type Cause = z.infer<typeof causeSchema>;

export const verdictSchema = z.enum(["ALLOW", "BLOCK"]);
export type Verdict = z.infer<typeof verdictSchema>;

export const controlSchema = z.enum(["CONTINUE", "TERMINATE"]);
export type Control = z.infer<typeof controlSchema>;

/** One rule that was looked at for a decision. */
export const evaluatedRuleSchema = z.strictObject({
  ruleId: idSchema,
  policyId: idSchema,
  enabled: z.boolean(),
  /** Its selector and condition held (after `onUnknown`, `onUnavailable`). */
  matched: z.boolean(),
  /** It matched and asks for a block, a person or a redaction. */
  violated: z.boolean(),
  /** `shadow` when its policy or the client is in shadow: it changed nothing. */
  mode: z.enum(["enforce", "shadow"]),
  effect: z.enum(["allow", "redact", "hitl", "block"]),
  /** What its condition came to. */
  outcome: z.enum(["true", "false", "unknown", "unavailable"]),
});
export interface EvaluatedRule extends z.infer<typeof evaluatedRuleSchema> {}

/** What enforcement would have answered, where shadow rules would have changed it. */
export const shadowDecisionSchema = z.strictObject({
  verdict: verdictSchema,
  control: controlSchema,
  cause: causeSchema,
  finalRuleId: idSchema.optional(),
  /** A shadow rule would have redacted. */
  redacts: z.boolean().optional(),
});
export interface ShadowDecision extends z.infer<typeof shadowDecisionSchema> {}

/** A limit that is nearly used up, or is: what there is of a window whose condition says `warnAt`. */
export const budgetWarningSchema = z.strictObject({
  policyId: idSchema,
  ruleId: idSchema,
  /** What the window holds, calls in flight included; in the before phases without the call at hand. */
  used: z.number(),
  /** What it may hold. */
  limit: z.number(),
  /** Epoch milliseconds at which a window that is used up has room again, where that is known. */
  resetAt: z.number().optional(),
});
export interface BudgetWarning extends z.infer<typeof budgetWarningSchema> {}

/** One redaction to apply to what the phase carries, with the rule that asked for it. */
export const plannedRedactionSchema = z.intersection(
  redactionSchema,
  z.object({ ruleId: idSchema, policyId: idSchema }),
);
export type PlannedRedaction = z.infer<typeof plannedRedactionSchema>;

/** The answer for one call. */
export const decisionSchema = z.strictObject({
  verdict: verdictSchema,
  control: controlSchema,
  cause: causeSchema,
  /** Safe to show to a model: what was denied and what would be allowed; never secrets. */
  message: z.string(),
  /** Every rule that was evaluated, in policy id, rule id order. */
  evaluatedRules: z.array(evaluatedRuleSchema),
  finalRuleId: idSchema.optional(),
  /** What to redact before the payload goes on; absent when nothing. */
  redactions: z.array(plannedRedactionSchema).optional(),
  shadow: shadowDecisionSchema.optional(),
  /** Limits of enforced rules for this call that are nearly used up, in the order of `evaluatedRules`; absent when there are none. */
  warnings: z.array(budgetWarningSchema).optional(),
  /** Decided with something missing (`HB_...` codes): a stale state, a reading out of reach. */
  degraded: z.array(z.string()).optional(),
});
export interface Decision extends z.infer<typeof decisionSchema> {}
