import {
  checkPoliciesBodySchema,
  idSchema,
  type PolicyDiff,
  policiesCheckedSchema,
  policyDiffQuerySchema,
  policyDiffSchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { POLICY_BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { PolicyVersionRecord } from "../services/policies-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Policies";

/** What somebody looks at before a change: what is wrong with policies, and how two versions differ. */
export function policyReviewRoutes({ policies }: Pick<Services, "policies">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/policies/check",
      operationId: "checkPolicies",
      summary:
        "Says what is wrong with policies, together with those that are kept, the registered tools and the agents; saves nothing",
      tag: TAG,
      scope: "read",
      body: checkPoliciesBodySchema,
      bodySizeBytesMax: POLICY_BODY_SIZE_BYTES_MAX,
      answers: { 200: { description: "What was found", schema: policiesCheckedSchema } },
      handle: async ({ principal, body }) => {
        const checked = await policies.check(principal.workspaceId, body.policies, body.alone === true);
        return { status: 200, body: checked };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/policies/{policyId}/diff",
      operationId: "diffPolicy",
      summary: "How two versions of a policy differ, rule by rule and field by field; by default the newest two",
      tag: TAG,
      scope: "read",
      params: z.object({ policyId: idSchema }),
      query: policyDiffQuerySchema,
      answers: { 200: { description: "Both versions, and what changed", schema: policyDiffSchema } },
      handle: async ({ principal, params: { policyId }, query }) => {
        const { from, to, changes } = await policies.diff(principal.workspaceId, policyId, query);
        return { status: 200, body: { policyId, from: sideOf(from), to: sideOf(to), changes } };
      },
    }),
  ];
}

function sideOf(record: PolicyVersionRecord | undefined): PolicyDiff["from"] {
  if (record === undefined) return { version: 0 };
  const { version, policy, comment, createdAtMs, createdBy, madeBy } = record;
  return {
    version,
    ...(policy === undefined ? {} : { policy }),
    ...(comment === undefined ? {} : { comment }),
    createdAt: timeText(createdAtMs),
    createdBy,
    ...(madeBy === undefined ? {} : { by: madeBy }),
  };
}
