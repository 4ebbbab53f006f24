import {
  approvalAnswerBodySchema,
  approvalListSchema,
  approvalsQuerySchema,
  createApprovalBodySchema,
  idSchema,
  resolveApprovalBodySchema,
} from "@handlebar/protocol";
import * as z from "zod";
import { LIST_PAGE_COUNT } from "../limits.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { waitMsOf, waitQuerySchema } from "./wait.ts";

const TAG = "Approvals";
const approvalParams = z.object({ approvalId: idSchema });

/** People's answers to held calls. */
export function approvalsRoutes({ approvals }: Pick<Services, "approvals">): readonly Route[] {
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
        body: { approval: await approvals.claim(principal.workspaceId, body) },
      }),
    }),
    defineRoute({
      method: "GET",
      path: "/v1/approvals",
      operationId: "listApprovals",
      summary: "Lists approvals, newest first",
      tag: TAG,
      scope: "read",
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
      params: approvalParams,
      query: waitQuerySchema,
      answers: { 200: { description: "The approval", schema: approvalAnswerBodySchema } },
      handle: async ({ principal: { workspaceId }, params: { approvalId }, query, signal }) => {
        const approval = await approvals.wait(workspaceId, approvalId, { waitMs: waitMsOf(query), signal });
        return { status: 200, body: { approval } };
      },
    }),
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
        body: { approval: await approvals.resolve(principal.workspaceId, approvalId, body) },
      }),
    }),
  ];
}
