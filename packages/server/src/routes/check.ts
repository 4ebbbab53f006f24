import { checkAnswerSchema, checkBodySchema } from "@handlebar/protocol";
import { CHECK_BODY_SIZE_BYTES_MAX } from "../limits.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";

/** Decisions that the server makes. */
export function checkRoutes({ check }: Pick<Services, "check">): readonly Route[] {
  return [
    defineRoute({
      method: "POST",
      path: "/v1/agents/check",
      operationId: "checkCalls",
      summary: "Decides one call, or a batch in order, and remembers for the run what was let through",
      tag: "Decisions",
      scope: "check",
      body: checkBodySchema,
      bodySizeBytesMax: CHECK_BODY_SIZE_BYTES_MAX,
      answers: { 200: { description: "One decision for each of the facts", schema: checkAnswerSchema } },
      handle: async ({ principal, body }) => ({
        status: 200,
        body: { decisions: await check.check(principal.workspaceId, body, principal.keyId) },
      }),
    }),
  ];
}
