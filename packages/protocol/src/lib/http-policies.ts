import * as z from "zod";
import { idSchema, timestampSchema } from "./ids.ts";
import { policySchema } from "./policy.ts";

const comment = z.string().min(1).max(1024);
const version = z.int().min(1);

/**
 * What a version of a policy would have done, of all decisions for which a client asked its rules in shadow: because of the policy's own
 * mode, or the client's. A decision counts once, for the most severe effect that a rule of it asked for, whatever other policies did.
 */
export const shadowCountsSchema = z.object({
  decisionCount: z.int().min(0),
  /** Calls that it would have blocked. */
  blockCount: z.int().min(0),
  /** Calls that it would have held for a person. */
  holdCount: z.int().min(0),
  /** Calls that it would have let through redacted. */
  redactCount: z.int().min(0),
  /** The first and the last of these decisions. */
  firstAt: timestampSchema,
  lastAt: timestampSchema,
});
export interface ShadowCounts extends z.infer<typeof shadowCountsSchema> {}

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
  /** Of this version; absent where nothing was decided in shadow. */
  shadow: shadowCountsSchema.optional(),
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

/** `DELETE /v1/policies/{policyId}` */
export const deletePolicyQuerySchema = z.strictObject({
  /** The version that was seen; absent takes any. */
  expectedVersion: z.coerce.number().int().min(1).optional(),
  comment: comment.optional(),
});
export interface DeletePolicyQuery extends z.infer<typeof deletePolicyQuerySchema> {}

/** `POST /v1/policies/{policyId}/promote`: what was tried in shadow is enforced. */
export const promotePolicyBodySchema = z.strictObject({
  /** The version that was tried. Absent takes the newest one, which somebody may have changed meanwhile. */
  expectedVersion: version.optional(),
  comment: comment.optional(),
});
export interface PromotePolicyBody extends z.infer<typeof promotePolicyBodySchema> {}

/** `POST /v1/policies/{policyId}/rollback`: an earlier version becomes the newest one. */
export const rollbackPolicyBodySchema = z.strictObject({
  /** Absent takes the version before the newest one, deletions aside. */
  version: version.optional(),
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
  /** Who: the person whose key it was, or what the key was called; absent where that was not kept. */
  by: z.string().optional(),
  /** How it came about. */
  origin: z.enum(["saved", "promoted", "rolled-back", "deleted"]),
  /** The version that was promoted, or whose content came back. */
  fromVersion: version.optional(),
  /** The state's revision that it came with: clients that have this revision or a later one, up to the next version's, run it. 0 where that was not kept. */
  revision: z.int().min(0),
  /** Absent where nothing was decided in shadow by it. */
  shadow: shadowCountsSchema.optional(),
});
export interface PolicyVersion extends z.infer<typeof policyVersionSchema> {}

/** `GET /v1/policies/{policyId}/versions`, newest first. */
export const policyVersionsSchema = z.object({ policyId: idSchema, versions: z.array(policyVersionSchema) });
export interface PolicyVersions extends z.infer<typeof policyVersionsSchema> {}
