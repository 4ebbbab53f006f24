import * as z from "zod";
import { toolNameSchema } from "./glob.ts";
import { reportedFindingSchema } from "./http-policies.ts";
import { slugSchema } from "./ids.ts";
import { policySchema } from "./policy.ts";

/** `POST /v1/policies/check` */
export const checkPoliciesBodySchema = z.strictObject({
  /** Those to look at, each in the place of the one with its id; an empty list looks at those that are kept. */
  policies: z.array(policySchema).max(1000),
  /** Looks at them alone, and not together with the policies that are kept. Default false. */
  alone: z.boolean().optional(),
});
export interface CheckPoliciesBody extends z.infer<typeof checkPoliciesBodySchema> {}

/** Something about a registered agent that its owner surely did not mean. */
export const registeredFindingSchema = z.object({
  severity: z.literal("warning"),
  /** `HB_POLICY_AGENT_UNGOVERNED` or `HB_POLICY_TOOL_UNTAGGED`. */
  code: z.string(),
  /** The agent's slug. */
  agent: slugSchema,
  /** The first of the tools that it is about, by name. */
  tools: z.array(toolNameSchema).optional(),
  /** How many tools it is about. */
  toolCount: z.int().min(1).optional(),
  message: z.string(),
  /** What to do. */
  fix: z.string(),
});
export interface RegisteredFinding extends z.infer<typeof registeredFindingSchema> {}

export const policiesCheckedSchema = z.object({
  /** They could be saved: there is no error. */
  ok: z.boolean(),
  /** Of the policies looked at, errors first. */
  findings: z.array(reportedFindingSchema),
  /** Of the registered agents, by slug, with the policies as they would be. */
  registered: z.array(registeredFindingSchema),
  /** Findings beyond the bounds of an answer; 0 where all are there. */
  leftOutCount: z.int().min(0),
});
export interface PoliciesChecked extends z.infer<typeof policiesCheckedSchema> {}
