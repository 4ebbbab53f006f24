import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";
import { policySchema } from "./policy.ts";

const comment = z.string().min(1).max(1024);
const version = z.int().min(1);

/** A policy at its newest version. */
export const storedPolicySchema = z.object({
  policyId: idSchema,
  /** From 1; every change makes the next one. */
  version,
  policy: policySchema,
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
  /** The key that made this version. */
  updatedBy: z.string(),
});
export interface StoredPolicy extends z.infer<typeof storedPolicySchema> {}

/** One thing that is wrong with a policy, or that its author surely did not mean. */
export const reportedFindingSchema = z.object({
  /** A policy with an error is refused; a warning asks its author to look again. */
  severity: z.enum(["error", "warning"]),
  code: z.string(),
  policyId: idSchema,
  /** Absent when it is about the policy itself. */
  ruleId: idSchema.optional(),
  /** Dot path in the policy, such as `rules[0].when.path`; empty for the policy itself. */
  path: z.string(),
  /** The same, key by key. */
  keys: z.array(z.union([z.string(), z.int()])),
  message: z.string(),
  /** What to do. */
  fix: z.string(),
});
export interface ReportedFinding extends z.infer<typeof reportedFindingSchema> {}

/** `GET /v1/policies` */
export const policyListSchema = z.object({ revision: z.int().min(0), policies: z.array(storedPolicySchema) });
export interface PolicyList extends z.infer<typeof policyListSchema> {}

/** `GET /v1/policies/{policyId}` */
export const policyAnswerSchema = z.object({ policy: storedPolicySchema });
export interface PolicyAnswer extends z.infer<typeof policyAnswerSchema> {}

/** `PUT /v1/policies/{policyId}` */
export const putPolicyBodySchema = z.strictObject({
  /** Its `id`, where it has one, is the one in the path. */
  policy: policySchema,
  /** The version that the writer saw, 0 for a policy that must not exist yet; absent takes any. */
  expectedVersion: z.int().min(0).optional(),
  /** Why, for whoever reads the versions. */
  comment: comment.optional(),
});
export interface PutPolicyBody extends z.infer<typeof putPolicyBodySchema> {}

/** `PUT /v1/policies`: several policies, all or none. */
export const pushPoliciesBodySchema = z.strictObject({
  policies: z.array(policySchema).max(1000),
  /** Deletes the policies that are not in the list. Default false. */
  prune: z.boolean().optional(),
  /** Says what would be done, and does nothing. Default false. */
  dryRun: z.boolean().optional(),
  /** The revision that the writer saw; with another one nothing is written. */
  expectedRevision: z.int().min(0).optional(),
  comment: comment.optional(),
});
export interface PushPoliciesBody extends z.infer<typeof pushPoliciesBodySchema> {}

/** What becomes of one policy. */
export const policyChangeSchema = z.object({
  policyId: idSchema,
  change: z.enum(["created", "updated", "deleted", "unchanged"]),
  /** Its version afterwards; absent where nothing was written. */
  version: version.optional(),
});
export interface PolicyChange extends z.infer<typeof policyChangeSchema> {}

/** What a write of policies did: `PUT /v1/policies`, `PUT` and `DELETE /v1/policies/{policyId}`, and `POST .../rollback`. */
export const policiesWrittenSchema = z.object({
  /** The state's revision afterwards. */
  revision: z.int().min(0),
  dryRun: z.boolean(),
  changes: z.array(policyChangeSchema),
  /** Warnings about the policies that were written; in a dry run errors too. */
  findings: z.array(reportedFindingSchema),
});
export interface PoliciesWritten extends z.infer<typeof policiesWrittenSchema> {}

/** `POST /v1/policies/{policyId}/rollback`: an earlier version becomes the newest one. */
export const rollbackPolicyBodySchema = z.strictObject({
  version,
  expectedVersion: z.int().min(1).optional(),
  comment: comment.optional(),
});
export interface RollbackPolicyBody extends z.infer<typeof rollbackPolicyBodySchema> {}

/** One version of a policy. */
export const policyVersionSchema = z.object({
  version,
  /** Absent where the version is the policy's deletion. */
  policy: policySchema.optional(),
  comment: z.string().optional(),
  createdAt: timestampSchema,
  /** The key that made it. */
  createdBy: z.string(),
});
export interface PolicyVersion extends z.infer<typeof policyVersionSchema> {}

/** `GET /v1/policies/{policyId}/versions`, newest first. */
export const policyVersionsSchema = z.object({ policyId: idSchema, versions: z.array(policyVersionSchema) });
export interface PolicyVersions extends z.infer<typeof policyVersionsSchema> {}

/** `POST /v1/policies/check` */
export const checkPoliciesBodySchema = z.strictObject({
  policies: z.array(policySchema).min(1).max(1000),
  /** Looks at them alone, and not together with the policies in force. Default false. */
  alone: z.boolean().optional(),
});
export interface CheckPoliciesBody extends z.infer<typeof checkPoliciesBodySchema> {}
export const policiesCheckedSchema = z.object({
  /** They could be saved: there is no error. */
  ok: z.boolean(),
  findings: z.array(reportedFindingSchema),
});
export interface PoliciesChecked extends z.infer<typeof policiesCheckedSchema> {}
