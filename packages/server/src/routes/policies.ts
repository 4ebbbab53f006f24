import {
  deletePolicyQuerySchema,
  idSchema,
  policiesWrittenSchema,
  policyAnswerSchema,
  policyListSchema,
  policyVersionsSchema,
  promotePolicyBodySchema,
  pushPoliciesBodySchema,
  putPolicyBodySchema,
  rollbackPolicyBodySchema,
  type ShadowCounts,
  type StoredPolicy,
} from "@handlebar/protocol";
import * as z from "zod";
import { POLICY_BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { PolicyRecord, PolicyVersionRecord, ShadowCountsRecord } from "../services/policies-service.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

const TAG = "Policies";
const policyParams = z.object({ policyId: idSchema });

/** Policies and their versions. */
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
        const counts = countsByVersion(await policies.shadowCounts(principal.workspaceId));
        return { status: 200, body: { revision, policies: records.map((record) => policyOf(record, counts)) } };
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
        const counts = countsByVersion(await policies.shadowCounts(principal.workspaceId, policyId));
        return { status: 200, body: { policy: policyOf(record, counts) } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/policies/{policyId}/versions",
      operationId: "listPolicyVersions",
      summary:
        "Every version of a policy, newest first, also of a deleted one: who, when, why, and what it would have done in shadow",
      tag: TAG,
      scope: "read",
      params: policyParams,
      answers: { 200: { description: "Its versions", schema: policyVersionsSchema } },
      handle: async ({ principal, params: { policyId } }) => {
        const versions = await policies.versions(principal.workspaceId, policyId);
        const counts = countsByVersion(await policies.shadowCounts(principal.workspaceId, policyId));
        return { status: 200, body: { policyId, versions: versions.map((version) => versionOf(version, counts)) } };
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
      query: deletePolicyQuerySchema,
      answers,
      handle: async ({ principal, params: { policyId }, query }) => {
        return { status: 200, body: await policies.delete(principal, policyId, query) };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/policies/{policyId}/promote",
      operationId: "promotePolicy",
      summary: "Enforces the version of a policy that was tried in shadow",
      tag: TAG,
      scope: "policies:write",
      params: policyParams,
      body: promotePolicyBodySchema,
      answers,
      handle: async ({ principal, params: { policyId }, body }) => {
        return { status: 200, body: await policies.promote(principal, policyId, body) };
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

type CountsByVersion = ReadonlyMap<string, ShadowCounts>;

const versionKey = (policyId: string, version: number): string => `${version} ${policyId}`;

function countsByVersion(records: readonly ShadowCountsRecord[]): CountsByVersion {
  return new Map(
    records.map(({ policyId, version, firstAtMs, lastAtMs, ...counts }) => [
      versionKey(policyId, version),
      { ...counts, firstAt: timeText(firstAtMs), lastAt: timeText(lastAtMs) },
    ]),
  );
}

function policyOf(
  { policyId, version, policy, createdAtMs, updatedAtMs, updatedBy }: PolicyRecord,
  counts: CountsByVersion,
): StoredPolicy {
  const shadow = counts.get(versionKey(policyId, version));
  return {
    policyId,
    version,
    policy,
    createdAt: timeText(createdAtMs),
    updatedAt: timeText(updatedAtMs),
    updatedBy,
    ...(shadow === undefined ? {} : { shadow }),
  };
}

function versionOf(record: PolicyVersionRecord, counts: CountsByVersion): object {
  const { policyId, createdAtMs, madeBy, ...version } = record;
  const shadow = counts.get(versionKey(policyId, version.version));
  return { ...version, by: madeBy, createdAt: timeText(createdAtMs), shadow };
}
