import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";
import { type JsonValue, jsonValueSchema } from "./json.ts";
import { policySchema } from "./policy.ts";

/** A place of a policy or a rule that is not as it was. */
export const policyFieldChangeSchema = z.object({
  /** Dot path in the policy, or in the rule: `when.all[1].value`. */
  path: z.string(),
  /** Absent where nothing was there. */
  before: jsonValueSchema.optional() as z.ZodOptional<z.ZodType<JsonValue>>,
  /** Absent where nothing is there any more. */
  after: jsonValueSchema.optional() as z.ZodOptional<z.ZodType<JsonValue>>,
});
export interface PolicyFieldChange extends z.infer<typeof policyFieldChangeSchema> {}

/** What became of one rule. */
export const ruleChangeSchema = z.object({
  ruleId: idSchema,
  name: z.string(),
  change: z.enum(["added", "removed", "changed"]),
  /** What of it changed; empty where it was added or removed. */
  fields: z.array(policyFieldChangeSchema),
});
export interface RuleChange extends z.infer<typeof ruleChangeSchema> {}

/** What it takes to turn one policy into another. Rules are known by their ids; their order decides nothing and is not told. */
export const policyChangesSchema = z.object({
  /** Of the policy itself, such as `mode`. */
  fields: z.array(policyFieldChangeSchema),
  /** Those of the newer policy in its order, then those removed. */
  rules: z.array(ruleChangeSchema),
  /** Changes beyond the bounds of an answer; 0 where all are there. */
  leftOutCount: z.int().min(0),
});
export interface PolicyChanges extends z.infer<typeof policyChangesSchema> {}

const sideSchema = z.object({
  /** 0 for what was there before the first version: nothing. */
  version: z.int().min(0),
  /** Absent where there was nothing, or the version is the policy's deletion. */
  policy: policySchema.optional(),
  comment: z.string().optional(),
  createdAt: timestampSchema.optional(),
  /** The key that made it. */
  createdBy: z.string().optional(),
  /** Who: the person whose key it was, or what the key was called. */
  by: z.string().optional(),
});

/** `GET /v1/policies/{policyId}/diff` */
export const policyDiffQuerySchema = z.strictObject({
  /** The older version. Default: the one before `to`. */
  from: z.coerce.number().int().min(0).optional(),
  /** The newer version. Default: the newest. */
  to: z.coerce.number().int().min(1).optional(),
});
export interface PolicyDiffQuery extends z.infer<typeof policyDiffQuerySchema> {}
export const policyDiffSchema = z.object({
  policyId: idSchema,
  from: sideSchema,
  to: sideSchema,
  changes: policyChangesSchema,
});
export interface PolicyDiff extends z.infer<typeof policyDiffSchema> {}
