import type { AgentsTable } from "./agents-table.ts";
import type { ApprovalsTable } from "./approvals-table.ts";
import type { AuditTable } from "./audit-table.ts";
import type { BudgetsTable } from "./budgets-table.ts";
import type { ChangesTable } from "./changes-table.ts";
import type { EventsTable } from "./events-table.ts";
import type { JobsTable } from "./jobs-table.ts";
import type { KeysTable } from "./keys-table.ts";
import type { LockdownsTable } from "./lockdowns-table.ts";
import type { PoliciesTable } from "./policies-table.ts";
import type { RunStatesTable } from "./run-states-table.ts";
import type { RunsTable } from "./runs-table.ts";
import type { WebhooksTable } from "./webhooks-table.ts";
import type { WorkspacesTable } from "./workspaces-table.ts";

/**
 * Everything that a control plane keeps, whatever the database. Every method takes the workspace first, and none reaches into
 * another one. A promise that resolves means that the change is durable; one that rejects means that nothing of it was done.
 * Times are epoch milliseconds, ids are made by the caller, bodies are JSON values.
 */
export interface Store {
  readonly kind: "sqlite" | "postgres";
  readonly workspaces: WorkspacesTable;
  readonly keys: KeysTable;
  readonly agents: AgentsTable;
  readonly policies: PoliciesTable;
  readonly lockdowns: LockdownsTable;
  readonly approvals: ApprovalsTable;
  readonly audit: AuditTable;
  readonly webhooks: WebhooksTable;
  readonly budgets: BudgetsTable;
  readonly runs: RunsTable;
  readonly runStates: RunStatesTable;
  readonly events: EventsTable;
  readonly changes: ChangesTable;
  readonly jobs: JobsTable;
  /** Resolves when the database answers now. @throws HandlebarError `HB_STORE_UNAVAILABLE`. */
  ping(): Promise<void>;
  /** Finishes what is under way and lets go of the database. Idempotent. */
  close(): Promise<void>;
}
