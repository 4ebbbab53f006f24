import { budgetKeyText } from "@handlebar/engine";
import type { BudgetKey, Lease, LeaseOperation } from "@handlebar/protocol";
import type { BudgetLimit } from "./budget-limits.ts";

/** A lease as the control plane keeps it. */
export interface GrantedLease {
  readonly leaseId: string;
  readonly clientId: string;
  readonly key: BudgetKey;
  /** All that was ever granted under this lease. */
  readonly granted: number;
  /** What the client said that it spent. */
  readonly spent: number;
  readonly status: "open" | "expired" | "returned";
}

type OpenLease = { -readonly [K in keyof GrantedLease]: GrantedLease[K] } & {
  expiresAtMs: number;
  /** What was taken as spent when the lease ran out without a word. */
  assumed: Spent | undefined;
};

interface Spent {
  readonly atMs: number;
  amount: number;
}

interface Budget {
  readonly key: BudgetKey;
  limit: BudgetLimit | undefined;
  spent: Spent[];
  readonly leases: Map<string, OpenLease>;
}

export interface LedgerTimes {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * Shared budgets. What all open leases may still spend and what was spent within the window never exceed the limit together. A
 * lease that runs out without a word counts as spent: its client may have done so and died.
 */
export class BudgetLedger {
  readonly #budgets = new Map<string, Budget>();
  readonly #limitOf: (key: BudgetKey) => BudgetLimit | undefined;
  readonly #leaseTtlMs: number;

  constructor(limitOf: (key: BudgetKey) => BudgetLimit | undefined, leaseTtlMs: number) {
    this.#limitOf = limitOf;
    this.#leaseTtlMs = leaseTtlMs;
  }

  leases(): readonly GrantedLease[] {
    return [...this.#budgets.values()].flatMap((budget) => [...budget.leases.values()]);
  }

  apply(operation: LeaseOperation, clientId: string, times: LedgerTimes): Lease {
    const budget = this.#budgetOf(operation.key, times);
    const known = budget.leases.get(operation.leaseId);
    if (operation.op === "request") {
      const lease = known ?? this.#open(budget, operation, clientId);
      this.#grow(budget, lease, { amount: operation.amount, times });
      return this.#answer(budget, lease, times);
    }
    const lease = known ?? this.#open(budget, operation, clientId);
    this.#report(budget, lease, { spent: operation.spent, times });
    if (operation.op === "renew" && lease.status !== "returned") {
      lease.status = "open";
      this.#grow(budget, lease, { amount: operation.amount, times });
    }
    if (operation.op === "return") lease.status = "returned";
    return this.#answer(budget, lease, times);
  }

  /** What is spent or leased of a budget; `undefined` where it has no limit. */
  read(key: BudgetKey, times: LedgerTimes): { readonly value: number; readonly resetAtMs?: number } | undefined {
    const budget = this.#budgetOf(key, times);
    if (budget.limit === undefined) return undefined;
    const resetAtMs = resetAt(budget, times);
    return { value: budget.limit.amount - remaining(budget), ...(resetAtMs === undefined ? {} : { resetAtMs }) };
  }

  /** Adds what the control plane itself let through. */
  add(key: BudgetKey, amount: number, times: LedgerTimes): void {
    this.#budgetOf(key, times).spent.push({ atMs: times.monotonicMs, amount });
  }

  #budgetOf(key: BudgetKey, times: LedgerTimes): Budget {
    const text = budgetKeyText(key);
    const budget = this.#budgets.get(text) ?? { key, limit: undefined, spent: [], leases: new Map() };
    this.#budgets.set(text, budget);
    budget.limit = this.#limitOf(key);
    for (const lease of budget.leases.values()) expire(budget, lease, times);
    const sinceMs = times.monotonicMs - (budget.limit?.windowMs ?? 0);
    budget.spent = budget.spent.filter((entry) => entry.atMs > sinceMs);
    return budget;
  }

  #open(budget: Budget, operation: LeaseOperation, clientId: string): OpenLease {
    const { leaseId, key } = operation;
    const lease: OpenLease = {
      leaseId,
      clientId,
      key,
      granted: 0,
      spent: 0,
      status: "open",
      expiresAtMs: Number.POSITIVE_INFINITY,
      assumed: undefined,
    };
    budget.leases.set(leaseId, lease);
    return lease;
  }

  #grow(
    budget: Budget,
    lease: OpenLease,
    { amount, times }: { readonly amount: number; readonly times: LedgerTimes },
  ): void {
    if (lease.status === "returned") return;
    const own = lease.granted - lease.spent;
    const room = Math.max(0, Math.min(amount - own, remaining(budget)));
    lease.granted += budget.limit?.isWhole === true ? Math.floor(room) : room;
    lease.expiresAtMs = times.monotonicMs + this.#leaseTtlMs;
  }

  #report(
    budget: Budget,
    lease: OpenLease,
    { spent, times }: { readonly spent: number; readonly times: LedgerTimes },
  ): void {
    if (lease.assumed !== undefined) {
      lease.assumed.amount = 0;
      lease.assumed = undefined;
    }
    const more = Math.max(0, spent - lease.spent);
    lease.spent += more;
    if (more > 0) budget.spent.push({ atMs: times.monotonicMs, amount: more });
  }

  #answer(budget: Budget, lease: OpenLease, times: LedgerTimes): Lease {
    const left = remaining(budget);
    const resetAtMs = left > 0 ? undefined : resetAt(budget, times);
    return {
      leaseId: lease.leaseId,
      key: lease.key,
      granted: lease.granted,
      ttlMs: this.#leaseTtlMs,
      remaining: left,
      ...(resetAtMs === undefined ? {} : { resetAt: resetAtMs }),
    };
  }
}

function expire(budget: Budget, lease: OpenLease, { monotonicMs }: LedgerTimes): void {
  if (lease.status !== "open" || monotonicMs < lease.expiresAtMs) return;
  lease.status = "expired";
  lease.assumed = { atMs: monotonicMs, amount: Math.max(0, lease.granted - lease.spent) };
  budget.spent.push(lease.assumed);
}

function remaining(budget: Budget): number {
  let left = budget.limit?.amount ?? 0;
  for (const entry of budget.spent) left -= entry.amount;
  for (const lease of budget.leases.values()) {
    if (lease.status === "open") left -= Math.max(0, lease.granted - lease.spent);
  }
  return left;
}

function resetAt(budget: Budget, { monotonicMs, wallMs }: LedgerTimes): number | undefined {
  const oldest = budget.spent.find((entry) => entry.amount > 0);
  if (oldest === undefined || budget.limit === undefined) return undefined;
  return wallMs + oldest.atMs + budget.limit.windowMs - monotonicMs;
}
