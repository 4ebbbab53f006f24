import type { Services } from "../services/services.ts";
import { acksRoutes } from "./acks.ts";
import { agentsRoutes } from "./agents.ts";
import { approvalsRoutes } from "./approvals.ts";
import { auditRoutes } from "./audit.ts";
import { budgetsRoutes } from "./budgets.ts";
import { checkRoutes } from "./check.ts";
import { compatRoutes } from "./compat.ts";
import { eventsRoutes } from "./events.ts";
import { keyRoutes } from "./keys.ts";
import { linkRoutes } from "./link.ts";
import { lockdownsRoutes } from "./lockdowns.ts";
import { policiesRoutes } from "./policies.ts";
import { policyReviewRoutes } from "./policy-reviews.ts";
import { replayRoutes } from "./replay.ts";
import type { Route } from "./route.ts";
import { runsRoutes } from "./runs.ts";
import { webhooksRoutes } from "./webhooks.ts";

/** Every route of the HTTP contract that needs a key. */
export function createRouteTable(services: Services): readonly Route[] {
  return [
    ...keyRoutes(services),
    ...agentsRoutes(services),
    ...linkRoutes(services),
    ...policiesRoutes(services),
    ...policyReviewRoutes(services),
    ...acksRoutes(services),
    ...replayRoutes(services),
    ...lockdownsRoutes(services),
    ...runsRoutes(services),
    ...eventsRoutes(services),
    ...compatRoutes(services),
    ...checkRoutes(services),
    ...budgetsRoutes(services),
    ...approvalsRoutes(services),
    ...auditRoutes(services),
    ...webhooksRoutes(services),
  ];
}
