import type { BudgetKey } from "@handlebar/protocol";
import { BUDGET_COMMIT_COUNT_MAX } from "../limits.ts";
import type { BudgetOperation, BudgetResult, BudgetsTable, LeaseRecord } from "./budgets-table.ts";
import type { StoreDialect } from "./dialect.ts";
import { GroupCommit } from "./group-commit.ts";
import { fromJson } from "./json-column.ts";
import { type BudgetRequest, commitBudgets } from "./kysely-budget-commit.ts";
import { pruneBudgets } from "./kysely-budget-prune.ts";
import { IS_OPEN, readBudgets } from "./kysely-budget-reads.ts";

export function createBudgetsTable(dialect: StoreDialect): BudgetsTable & { idle(): Promise<void> } {
  const commits = new GroupCommit<BudgetRequest, readonly BudgetResult[]>({
    commit: (requests) => commitBudgets(dialect, requests),
    sizeMax: BUDGET_COMMIT_COUNT_MAX,
    sizeOf: ({ operations }) => operations.length,
    underWayMax: 1,
  });
  return {
    idle: () => commits.idle(),
    apply: async (workspaceId, operations: readonly BudgetOperation[], leaseTtlMs) =>
      operations.length === 0 ? [] : commits.submit({ workspaceId, operations, leaseTtlMs }),
    read: (workspaceId, budgets) => readBudgets(dialect, workspaceId, budgets),
    leases: (workspaceId, filter) => leases(dialect, workspaceId, filter ?? {}),
    prune: (beforeMs) => pruneBudgets(dialect, beforeMs),
  };
}

async function leases(
  dialect: StoreDialect,
  workspaceId: string,
  { keyText, clientId, isOpen }: NonNullable<Parameters<BudgetsTable["leases"]>[1]>,
): Promise<readonly LeaseRecord[]> {
  const nowMs = await dialect.nowMs(dialect.reads);
  let query = dialect.reads
    .selectFrom("budget_leases")
    .innerJoin("budget_heads", (join) =>
      join
        .onRef("budget_heads.workspace_id", "=", "budget_leases.workspace_id")
        .onRef("budget_heads.key_text", "=", "budget_leases.key_text"),
    )
    .selectAll("budget_leases")
    .select("budget_heads.key")
    .where("budget_leases.workspace_id", "=", workspaceId);
  if (keyText !== undefined) query = query.where("budget_leases.key_text", "=", keyText);
  if (clientId !== undefined) query = query.where("budget_leases.client_id", "=", clientId);
  if (isOpen === true) query = query.where(IS_OPEN).where("budget_leases.expires_at_ms", ">", nowMs);
  const rows = await query.orderBy("budget_leases.key_text").orderBy("budget_leases.lease_id").execute();
  return rows.map((row) => ({
    leaseId: row.lease_id,
    clientId: row.client_id,
    key: fromJson<BudgetKey>(row.key),
    granted: row.granted,
    spent: row.spent,
    expiresAtMs: row.expires_at_ms,
    // Only a status is written there; one that ran out is noted by the next operation on its budget.
    status: row.status === "open" && row.expires_at_ms <= nowMs ? "expired" : (row.status as LeaseRecord["status"]),
  }));
}
