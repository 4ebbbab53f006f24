import {
  checkPoliciesBodySchema,
  idSchema,
  policiesCheckedSchema,
  policiesWrittenSchema,
  policyAnswerSchema,
  policyListSchema,
  policyVersionsSchema,
  pushPoliciesBodySchema,
  putPolicyBodySchema,
  rollbackPolicyBodySchema,
  type StoredPolicy,
} from "@handlebar/protocol";
import * as z from "zod";
import { POLICY_BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { PolicyRecord, PolicyVersionRecord } from "../services/policies-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Policies";
const policyParams = z.object({ policyId: idSchema });

/** Policies, their versions, and the check that runs when they are saved. */
export function policiesRoutes({ policies }: Pick<Services, "policies">): readonly Route[] {
  return [...readRoutes({ policies }), ...writeRoutes({ policies })];
}

function readRoutes({ policies }: Pick<Services, "policies">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/policies",
      operationId: "listPolicies",
      summary: "All policies, by id",
      tag: TAG,
      scope: "read",
      answers: { 200: { description: "The policies and the state's revision", schema: policyListSchema } },
      handle: async ({ principal }) => {
        const { revision, records } = await policies.list(principal.workspaceId);
        return { status: 200, body: { revision, policies: records.map(policyOf) } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/policies/{policyId}",
      operationId: "getPolicy",
      summary: "One policy",
      tag: TAG,
      scope: "read",
      params: policyParams,
      answers: { 200: { description: "The policy", schema: policyAnswerSchema } },
      handle: async ({ principal, params: { policyId } }) => {
        const record = await policies.get(principal.workspaceId, policyId);
        return { status: 200, body: { policy: policyOf(record) } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/policies/{policyId}/versions",
      operationId: "listPolicyVersions",
      summary: "Every version of a policy, newest first, also of a deleted one",
      tag: TAG,
      scope: "read",
      params: policyParams,
      answers: { 200: { description: "Its versions", schema: policyVersionsSchema } },
      handle: async ({ principal, params: { policyId } }) => {
        const versions = await policies.versions(principal.workspaceId, policyId);
        return { status: 200, body: { policyId, versions: versions.map(versionOf) } };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/policies/check",
      operationId: "checkPolicies",
      summary: "Says what is wrong with policies, together with those in force and the registered tools; saves nothing",
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
  ];
}

function writeRoutes({ policies }: Pick<Services, "policies">): readonly Route[] {
  const answers = { 200: { description: "What changed, and warnings", schema: policiesWrittenSchema } };
  return [
    defineRoute({
      method: "PUT",
      path: "/v1/policies",
      operationId: "pushPolicies",
      summary: "Saves several policies, all or none; with `dryRun` says what would change",
      tag: TAG,
      scope: "policies:write",
      body: pushPoliciesBodySchema,
      bodySizeBytesMax: POLICY_BODY_SIZE_BYTES_MAX,
      answers,
      handle: async ({ principal, body }) => ({ status: 200, body: await policies.push(principal, body) }),
    }),
    defineRoute({
      method: "PUT",
      path: "/v1/policies/{policyId}",
      operationId: "putPolicy",
      summary: "Saves one policy as its next version",
      tag: TAG,
      scope: "policies:write",
      params: policyParams,
      body: putPolicyBodySchema,
      bodySizeBytesMax: POLICY_BODY_SIZE_BYTES_MAX,
      answers,
      handle: async ({ principal, params: { policyId }, body }) => {
        return { status: 200, body: await policies.put(principal, policyId, body) };
      },
    }),
    defineRoute({
      method: "DELETE",
      path: "/v1/policies/{policyId}",
      operationId: "deletePolicy",
      summary: "Deletes a policy; its versions stay",
      tag: TAG,
      scope: "policies:write",
      params: policyParams,
      answers,
      handle: async ({ principal, params: { policyId } }) => {
        return { status: 200, body: await policies.delete(principal, policyId) };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/policies/{policyId}/rollback",
      operationId: "rollbackPolicy",
      summary: "Makes an earlier version of a policy the newest one",
      tag: TAG,
      scope: "policies:write",
      params: policyParams,
      body: rollbackPolicyBodySchema,
      answers,
      handle: async ({ principal, params: { policyId }, body }) => {
        return { status: 200, body: await policies.rollback(principal, policyId, body) };
      },
    }),
  ];
}

function policyOf({ policyId, version, policy, createdAtMs, updatedAtMs, updatedBy }: PolicyRecord): StoredPolicy {
  return {
    policyId,
    version,
    policy,
    createdAt: timeText(createdAtMs),
    updatedAt: timeText(updatedAtMs),
    updatedBy,
  };
}

function versionOf({ version, policy, comment, createdAtMs, createdBy }: PolicyVersionRecord): object {
  return { version, policy, comment, createdAt: timeText(createdAtMs), createdBy };
}
