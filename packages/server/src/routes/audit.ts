import { auditListSchema, auditQuerySchema } from "@handlebar/protocol";
import { LIST_PAGE_COUNT } from "../limits.ts";
import type { Services } from "../services/services.ts";
import { defineRoute, type Route } from "./route.ts";
import { timeText } from "./time-text.ts";

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

/** Who did what in the control plane. */
export function auditRoutes({ audit }: Pick<Services, "audit">): readonly Route[] {
  return [
    defineRoute({
      method: "GET",
      path: "/v1/audit",
      operationId: "listAudit",
      summary: "Lists who did what in the control plane, newest first",
      tag: "Audit",
      scope: "read",
      query: auditQuerySchema,
      answers: { 200: { description: "One page of the log", schema: auditListSchema } },
      handle: async ({ principal, query: { limit = LIST_PAGE_COUNT, cursor, ...asked } }) => {
        const { key: keyId, since, until, ...exact } = asked;
        const filter = { ...exact, keyId, sinceMs: timeOf(since), untilMs: timeOf(until) };
        const { items, nextCursor } = await audit.list(principal.workspaceId, filter, { limit, cursor });
        const entries = items.map(({ atMs, ...entry }) => ({ ...entry, at: timeText(atMs) }));
        return { status: 200, body: { entries, nextCursor } };
      },
    }),
  ];
}
