import { budgetAnswerSchema, budgetBodySchema, idSchema } from "@handlebar/protocol";
import * as z from "zod";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";

/** Shares of shared budgets. */
export function budgetsRoutes({ budgets }: Pick<Services, "budgets">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/agents/{agentId}/metrics/budget",
      operationId: "changeLeases",
      summary: "Requests, renews, settles and returns leases of shared budgets",
      tag: "Budgets",
      scope: "check",
      params: z.object({ agentId: idSchema }),
      body: budgetBodySchema,
      answers: { 200: { description: "One lease for each operation, in order", schema: budgetAnswerSchema } },
      handle: async ({ principal, params: { agentId }, body }) => ({
        status: 200,
        body: { leases: await budgets.apply(principal.workspaceId, agentId, body) },
      }),
    }),
  ];
}
