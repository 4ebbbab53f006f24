import * as z from "zod";
import { agentSelectorSchema } from "./agent.ts";
import { type Condition, conditionSchema } from "./condition.ts";
import { idSchema, tagSchema } from "./ids.ts";
import { phaseSchema } from "./phase.ts";
import { DETECTOR_IDS } from "./sensitive.ts";
import { toolSelectorSchema } from "./tool.ts";

const reason = z.string().min(1).max(1024).optional();
const control = z.enum(["CONTINUE", "TERMINATE"]).optional();
const path = z.string().min(1).max(512);

/** What a redaction replaces: findings of `detectors` (below `paths` when given), or the whole values at `paths`. */
export const redactionSchema = z
  .strictObject({
    detectors: z.array(z.enum(DETECTOR_IDS)).min(1).optional(),
    paths: z.array(path).min(1).max(64).optional(),
    /** `mask` (default) writes what was there, `hash` a keyed digest that stays equal for equal values, `remove` nothing. */
    method: z.enum(["mask", "hash", "remove"]).optional(),
  })
  .refine((r) => r.detectors !== undefined || r.paths !== undefined, "give `detectors`, `paths` or both");
export interface Redaction extends z.infer<typeof redactionSchema> {}

/** How a held call may be answered. */
export const approvalTermsSchema = z.strictObject({
  /** An unanswered request ends as denied after this. Default 3600. */
  expiresInSeconds: z
    .number()
    .positive()
    .max(30 * 86_400)
    .optional(),
  /** How many different people must approve. Default 1. */
  approvalsNeeded: z.int().min(1).max(16).optional(),
  /** Who may answer; absent lets anyone with the right to approve. */
  approvers: z.array(z.string().min(1).max(256)).min(1).max(64).optional(),
  /** The actor of the run may not answer. Default false. */
  notRequester: z.boolean().optional(),
});
export interface ApprovalTerms extends z.infer<typeof approvalTermsSchema> {}

/** What a matching rule asks for. */
export const effectSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("allow"), reason }),
  z.strictObject({ type: z.literal("redact"), reason, redact: z.array(redactionSchema).min(1).max(32) }),
  z.strictObject({ type: z.literal("hitl"), reason, control, approval: approvalTermsSchema.optional() }),
  z.strictObject({ type: z.literal("block"), reason, control }),
]);
export type Effect = z.infer<typeof effectSchema>;
export type EffectType = Effect["type"];

/** Effects, most severe first. */
export const EFFECT_TYPES: readonly EffectType[] = ["block", "hitl", "redact", "allow"];

/** A phase, a tool selector, a condition and an effect. */
export const ruleSchema = z.strictObject({
  /** Unique in its policy; a stable one is derived from the name when absent. */
  id: idSchema.optional(),
  name: z.string().min(1).max(256),
  description: z.string().max(4096).optional(),
  /** Default true. */
  enabled: z.boolean().optional(),
  /** Decides between rules of the same effect; higher first. Default 0. */
  priority: z.int().min(-1_000_000).max(1_000_000).optional(),
  /** The phase or phases in which it is asked. */
  on: z.union([phaseSchema, z.array(phaseSchema).min(1).max(4)]),
  /** Which tools it is about; absent takes every tool (and is the only form in the `llm` phases). */
  tool: toolSelectorSchema.optional(),
  /** Absent always holds. */
  when: conditionSchema.optional() as z.ZodOptional<z.ZodType<Condition>>,
  effect: effectSchema,
  /** What an unknown condition does. Default `match` for block, hitl and redact, `skip` for allow. */
  onUnknown: z.enum(["match", "skip"]).optional(),
  /** What a shared reading out of reach does. Default: the fail mode. */
  onUnavailable: z.enum(["match", "skip"]).optional(),
  /** Ask the control plane for an exact reading of shared windows instead of spending a lease. Default false. */
  exact: z.boolean().optional(),
});
export interface Rule extends z.infer<typeof ruleSchema> {}

/** A tool whose results mark the run (`add`) and say how far values in them can be trusted (`trust`). */
export const flowSourceSchema = z
  .strictObject({
    /** Which tools; absent takes every tool. */
    tool: toolSelectorSchema.optional(),
    /** Which parts of the result: dot paths, or `freeText`; absent takes the whole. */
    fields: z.array(path).min(1).max(64).optional(),
    /** Only for results that this holds for (it may read the call, its arguments and its result). */
    when: conditionSchema.optional() as z.ZodOptional<z.ZodType<Condition>>,
    /** Labels that the run gets. */
    add: z.array(tagSchema).min(1).max(31).optional(),
    /** How `argFrom` takes values seen there. */
    trust: z.enum(["trusted", "untrusted"]).optional(),
  })
  .refine((s) => s.add !== undefined || s.trust !== undefined, "give `add`, `trust` or both");
export interface FlowSource extends z.infer<typeof flowSourceSchema> {}

/** Where labels come from and how long they stay (DESIGN "The policy language", data flow). */
export const flowSchema = z.strictObject({
  /** Every label of this policy; when given, another name is an error. */
  labels: z.array(tagSchema).min(1).max(31).optional(),
  sources: z.array(flowSourceSchema).max(256),
  /** A tool without tags that no source names adds every label and is untrusted. Default false. */
  strict: z.boolean().optional(),
  /** How values of results that no source's `trust` covers count. Default `untrusted`. */
  defaultTrust: z.enum(["trusted", "untrusted"]).optional(),
  /** Labels stay with the run (default) or with every run of its session. */
  scope: z.enum(["run", "session"]).optional(),
});
export interface Flow extends z.infer<typeof flowSchema> {}

/** A named set of rules with an agent selector and a mode. */
export const policySchema = z.strictObject({
  /** Unique in a workspace; derived from the name when absent. */
  id: idSchema.optional(),
  name: z.string().min(1).max(256),
  description: z.string().max(4096).optional(),
  /** Default true. */
  enabled: z.boolean().optional(),
  /** `shadow` evaluates and reports, and changes nothing. Default `enforce`. */
  mode: z.enum(["enforce", "shadow"]).optional(),
  /** Which agents it is for; absent takes every agent. */
  agents: agentSelectorSchema.optional(),
  /** What becomes of a call, in a phase that its rules name, that none of them matched. Default `allow`. */
  default: z.enum(["allow", "hitl", "block"]).optional(),
  flow: flowSchema.optional(),
  rules: z.array(ruleSchema).max(10_000),
});
export interface Policy extends z.infer<typeof policySchema> {}

/** What a policy file holds: one policy, or several below `policies`. */
export const policyFileSchema = z.union([
  policySchema,
  z.strictObject({ policies: z.array(policySchema).min(1).max(1000) }),
]);
