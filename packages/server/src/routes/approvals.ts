import {
  approvalAnswerBodySchema,
  approvalListSchema,
  approvalsQuerySchema,
  cancelApprovalBodySchema,
  createApprovalBodySchema,
  idSchema,
  resolveApprovalBodySchema,
  resolveApprovalsAnswerSchema,
  resolveApprovalsBodySchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { LIST_PAGE_COUNT } from "../limits.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { waitMsOf, waitQuerySchema } from "./wait.ts";

const TAG = "Approvals";
const approvalParams = z.object({ approvalId: idSchema });

/** People's answers to held calls. */
export function approvalsRoutes(services: Pick<Services, "approvals">): readonly Route[] {
  return [...askingRoutes(services), ...answeringRoutes(services)];
}

function askingRoutes({ approvals }: Pick<Services, "approvals">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/approvals",
      operationId: "claimApproval",
      summary: "Asks for an approval of one call, or claims the answer that there is; an approval is handed out once",
      tag: TAG,
      scope: "check",
      body: createApprovalBodySchema,
      answers: { 200: { description: "The approval that stands for this call", schema: approvalAnswerBodySchema } },
      handle: async ({ principal, body }) => ({
        status: 200,
        body: { approval: await approvals.claim(principal, body) },
      }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/approvals",
      operationId: "listApprovals",
      summary: "Lists approvals, newest first",
      tag: TAG,
      scope: "read",
      orScopes: ["approvals:resolve"],
      query: approvalsQuerySchema,
      answers: { 200: { description: "One page of approvals", schema: approvalListSchema } },
      handle: async ({ principal, query: { limit = LIST_PAGE_COUNT, cursor, run, ...filter } }) => {
        const page = { limit, cursor };
        const { items, nextCursor } = await approvals.list(principal.workspaceId, { ...filter, runId: run }, page);
        return { status: 200, body: { approvals: items, nextCursor } };
      },
    }),
    defineRoute({
      method: "GET",
      path: "/v1/approvals/{approvalId}",
      operationId: "getApproval",
      summary: "One approval; with `wait` the answer is held until it is no longer pending",
      tag: TAG,
      scope: "check",
      orScopes: ["read", "approvals:resolve"],
      params: approvalParams,
      query: waitQuerySchema,
      answers: { 200: { description: "The approval", schema: approvalAnswerBodySchema } },
      handle: async ({ principal: { workspaceId }, params: { approvalId }, query, signal }) => {
        const approval = await approvals.wait(workspaceId, approvalId, { waitMs: waitMsOf(query), signal });
        return { status: 200, body: { approval } };
      },
    }),
  ];
}

function answeringRoutes({ approvals }: Pick<Services, "approvals">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/approvals/{approvalId}/resolve",
      operationId: "resolveApproval",
      summary: "Approves or denies a held call",
      tag: TAG,
      scope: "approvals:resolve",
      params: approvalParams,
      body: resolveApprovalBodySchema,
      answers: {
        200: {
          description: "The approval; still pending where its terms ask for more people",
          schema: approvalAnswerBodySchema,
        },
      },
      handle: async ({ principal, params: { approvalId }, body }) => ({
        status: 200,
        body: { approval: await approvals.resolve(principal, approvalId, body) },
      }),
    }),
    defineRoute({
      method: "POST",
      path: "/v1/approvals/resolve",
      operationId: "resolveApprovals",
      summary: "Brings one answer to several approvals; one that is refused holds up no other",
      tag: TAG,
      scope: "approvals:resolve",
      body: resolveApprovalsBodySchema,
      answers: { 200: { description: "What became of each", schema: resolveApprovalsAnswerSchema } },
      handle: async ({ principal, body: { approvalIds, ...answer } }) => {
        const outcomes = await approvals.resolveAll(principal, approvalIds, answer);
        const results = outcomes.map((outcome) =>
          "approval" in outcome
            ? outcome
            : {
                approvalId: outcome.approvalId,
                problem: { code: outcome.problem.code, message: outcome.problem.message },
              },
        );
        return { status: 200, body: { results } };
      },
    }),
    defineRoute({
      method: "POST",
      path: "/v1/approvals/{approvalId}/cancel",
      operationId: "cancelApproval",
      summary: "Takes back a request that nobody answered, or an approval that was not used",
      tag: TAG,
      scope: "approvals:resolve",
      params: approvalParams,
      body: cancelApprovalBodySchema,
      answers: { 200: { description: "The approval, cancelled", schema: approvalAnswerBodySchema } },
      handle: async ({ principal, params: { approvalId }, body }) => ({
        status: 200,
        body: { approval: await approvals.cancel(principal, approvalId, body) },
      }),
    }),
  ];
}
