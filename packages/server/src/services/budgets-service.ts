import { budgetKeyText } from "@handlebar/engine";
import type { BudgetBody, Lease, LeaseOperation } from "@handlebar/protocol";
import { LEASE_TTL_MS } from "../limits.ts";
import type { BudgetLimit, BudgetOperation, BudgetResult } from "../storage/budgets-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import { leaseLimitOf } from "./budget-limits.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export interface BudgetsServiceDeps {
  readonly store: Pick<Store, "budgets">;
  readonly agents: Pick<AgentsService, "require">;
  readonly states: Pick<WorkspaceStates, "get">;
}

/** Leases of shared budgets, within the limits that the policies in force set. */
export class BudgetsService {
  readonly #deps: BudgetsServiceDeps;

  constructor(deps: BudgetsServiceDeps) {
    this.#deps = deps;
  }

  /**
   * One lease for each operation, in order; what has no limit in force, or no room, is granted 0.
   * @throws ServiceProblem `HB_NOT_FOUND` (agent).
   */
  async apply(workspaceId: string, agentId: string, { clientId, operations }: BudgetBody): Promise<readonly Lease[]> {
    await this.#deps.agents.require(workspaceId, agentId);
    const { policies } = await this.#deps.states.get(workspaceId);
    const asked = operations.map((operation) => ({ operation, limit: leaseLimitOf(policies, operation.key) }));
    const done = asked.flatMap(({ operation, limit }) =>
      limit === undefined ? [] : [toBudgetOperation(operation, limit, clientId)],
    );
    const results = done.length === 0 ? [] : await this.#deps.store.budgets.apply(workspaceId, done, LEASE_TTL_MS);
    let at = 0;
    return asked.map(({ operation, limit }) => toLease(operation, limit === undefined ? undefined : results[at++]));
  }
}

function toBudgetOperation(operation: LeaseOperation, limit: BudgetLimit, clientId: string): BudgetOperation {
  const { op, leaseId, key } = operation;
  return {
    op,
    leaseId,
    clientId,
    key,
    keyText: budgetKeyText(key),
    limit,
    amount: "amount" in operation ? operation.amount : 0,
    spent: "spent" in operation ? operation.spent : 0,
  };
}

function toLease({ leaseId, key }: LeaseOperation, result: BudgetResult | undefined): Lease {
  const { granted = 0, remaining = 0, resetAtMs } = result ?? {};
  return {
    leaseId,
    key,
    granted,
    ttlMs: LEASE_TTL_MS,
    remaining,
    ...(resetAtMs === undefined || remaining > 0 ? {} : { resetAt: resetAtMs }),
  };
}
