import type { StoreDialect } from "./dialect.ts";
import { createAgentsTable } from "./kysely-agents.ts";
import { createApprovalsTable } from "./kysely-approvals.ts";
import { createAuditTable } from "./kysely-audit.ts";
import { createBudgetsTable } from "./kysely-budgets.ts";
import { createChangesTable } from "./kysely-changes.ts";
import { createEventsTable } from "./kysely-events.ts";
import { createJobsTable } from "./kysely-jobs.ts";
import { createKeysTable } from "./kysely-keys.ts";
import { createLockdownsTable } from "./kysely-lockdowns.ts";
import { createPoliciesTable } from "./kysely-policies.ts";
import { createRunStatesTable } from "./kysely-run-states.ts";
import { createRunsTable } from "./kysely-runs.ts";
import { createWebhooksTable } from "./kysely-webhooks.ts";
import { createWorkspacesTable } from "./kysely-workspaces.ts";
import type { Store } from "./store.ts";

export interface StoreTables {
  readonly tables: Omit<Store, "kind" | "ping" | "close">;
  /** Resolves once nothing waits for a shared commit. */
  readonly idle: () => Promise<void>;
}

/** Every table on one database. */
export function createTables(dialect: StoreDialect): StoreTables {
  const budgets = createBudgetsTable(dialect);
  const runStates = createRunStatesTable(dialect);
  const events = createEventsTable(dialect);
  return {
    tables: {
      workspaces: createWorkspacesTable(dialect),
      keys: createKeysTable(dialect),
      agents: createAgentsTable(dialect),
      policies: createPoliciesTable(dialect),
      lockdowns: createLockdownsTable(dialect),
      approvals: createApprovalsTable(dialect),
      audit: createAuditTable(dialect),
      webhooks: createWebhooksTable(dialect),
      runs: createRunsTable(dialect),
      changes: createChangesTable(dialect),
      jobs: createJobsTable(dialect),
      budgets,
      runStates,
      events,
    },
    idle: async () => {
      await Promise.all([budgets.idle(), runStates.idle(), events.idle()]);
    },
  };
}
