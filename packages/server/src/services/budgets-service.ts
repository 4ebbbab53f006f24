import { budgetKeyText } from "@handlebar/engine";
import type { BudgetBody, Lease, LeaseOperation } from "@handlebar/protocol";
import { LEASE_RECALL_RETRY_MS, LEASE_SKEW_MS_MAX, LEASE_TTL_MS } from "../limits.ts";
import type { BudgetLimit, BudgetOperation, BudgetResult } from "../storage/budgets-table.ts";
import type { Store } from "../storage/store.ts";
import type { AgentsService } from "./agents-service.ts";
import { spendLimitOf } from "./budget-limits.ts";
import { LeaseRecalls } from "./lease-recalls.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import type { WorkspaceStates } from "./workspace-states.ts";

export interface BudgetsServiceDeps {
  readonly store: Pick<Store, "budgets" | "changes">;
  readonly runtime: Pick<ServerRuntime, "monotonicMs">;
  readonly agents: Pick<AgentsService, "require">;
  readonly states: Pick<WorkspaceStates, "get">;
  /** Told of recalls that failed: whoever waited for them is refused. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The leases of a client end for the control plane when their time and the longest skew of clocks have passed. */
const LEASE_HOLD_MS = LEASE_TTL_MS + LEASE_SKEW_MS_MAX;

/** Leases of shared budgets, within the limits that the policies in force set. */
export class BudgetsService {
  readonly #deps: BudgetsServiceDeps;
  readonly #recalls: LeaseRecalls;

  constructor(deps: BudgetsServiceDeps) {
    this.#deps = deps;
    this.#recalls = new LeaseRecalls(deps);
  }

  /**
   * One lease for each operation, in order; what has no limit in force, or no room, is granted 0. Where there is no room since others have
   * it, these are asked for what they do not need.
   * @throws ServiceProblem `HB_NOT_FOUND` (agent).
   */
  async apply(workspaceId: string, agentId: string, { clientId, operations }: BudgetBody): Promise<readonly Lease[]> {
    await this.#deps.agents.require(workspaceId, agentId);
    const { policies } = await this.#deps.states.get(workspaceId);
    const asked = operations.map((operation) => ({ operation, limit: spendLimitOf(policies, operation.key) }));
    const done = asked.flatMap(({ operation, limit }) =>
      limit === undefined ? [] : [toBudgetOperation(operation, limit, clientId)],
    );
    const results = done.length === 0 ? [] : await this.#deps.store.budgets.apply(workspaceId, done, LEASE_HOLD_MS);
    const retrying = await this.#recall(workspaceId, done, results);
    let at = 0;
    return asked.map(({ operation, limit }) => {
      const result = limit === undefined ? undefined : results[at++];
      const mayRetry = (result?.missing ?? 0) > 0 && retrying.has(budgetKeyText(operation.key));
      return { ...toLease(operation, result), ...(mayRetry ? { retryAfterMs: LEASE_RECALL_RETRY_MS } : {}) };
    });
  }

  /** @returns the budgets of which something may be back shortly. */
  async #recall(
    workspaceId: string,
    operations: readonly BudgetOperation[],
    results: readonly BudgetResult[],
  ): Promise<ReadonlySet<string>> {
    const refused = new Map<string, string>();
    for (const [at, { missing, heldByOthers }] of results.entries()) {
      const operation = operations[at];
      if (missing > 0 && heldByOthers > 0 && operation !== undefined)
        refused.set(operation.keyText, operation.clientId);
    }
    const retrying = new Set<string>();
    for (const [keyText, clientId] of refused) {
      try {
        if (await this.#recalls.recall(workspaceId, { keyText, clientId })) retrying.add(keyText);
      } catch (error) {
        this.#deps.onError?.(error);
      }
    }
    return retrying;
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
    least: "least" in operation ? operation.least : undefined,
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
