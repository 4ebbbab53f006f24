import type { BudgetKey } from "@handlebar/protocol";

/** How much a shared window may hold, and over how long. */
export interface BudgetLimit {
  readonly amount: number;
  readonly windowMs: number;
  /** Counts calls, which come whole. */
  readonly isWhole: boolean;
}

/** One operation on one budget; `limit` comes from the policy in force. */
export interface BudgetOperation {
  readonly op: "request" | "renew" | "settle" | "return" | "spend";
  /** For `spend` (the server's own use, without a lease) any id that makes it happen once. */
  readonly leaseId: string;
  readonly clientId: string;
  readonly key: BudgetKey;
  /** `budgetKeyText` of the key. */
  readonly keyText: string;
  readonly limit: BudgetLimit;
  /** What the lease shall have left to spend; for `spend`, what is spent if there is room for it. */
  readonly amount: number;
  /** What the lease must have left to be of use. Given, the grant lies between the two, as is fair; absent: `amount`, or what there is. */
  readonly least?: number | undefined;
  /** What was spent under the lease so far. */
  readonly spent: number;
}

export interface BudgetResult {
  /** All that the lease grants, what was spent included; for `spend` the amount that was taken, 0 when there was no room. */
  readonly granted: number;
  /** What the whole budget has left beyond all leases. */
  readonly remaining: number;
  readonly resetAtMs: number | undefined;
  /** What `least` asked for and was not granted. */
  readonly missing: number;
  /** What other leases may still spend. */
  readonly heldByOthers: number;
}

export interface LeaseRecord {
  readonly leaseId: string;
  readonly clientId: string;
  readonly key: BudgetKey;
  readonly granted: number;
  readonly spent: number;
  readonly expiresAtMs: number;
  readonly status: "open" | "expired" | "returned";
}

/**
 * Shared windows. What open leases may still spend and what was spent within the window never exceed the limit together, whatever the number of
 * processes; a lease that runs out without a word counts as spent. The clock is the database's.
 */
export interface BudgetsTable {
  /** Does all of them in order, in one transaction; one answer each. */
  apply(
    workspaceId: string,
    operations: readonly BudgetOperation[],
    leaseTtlMs: number,
  ): Promise<readonly BudgetResult[]>;
  /** What is spent or leased of budgets now, without changing anything; in order. */
  read(
    workspaceId: string,
    budgets: readonly { readonly keyText: string; readonly limit: BudgetLimit }[],
  ): Promise<readonly { readonly used: number; readonly resetAtMs: number | undefined }[]>;
  leases(
    workspaceId: string,
    filter?: { readonly keyText?: string; readonly clientId?: string; readonly isOpen?: true },
  ): Promise<readonly LeaseRecord[]>;
  /** Forgets what lies before every window. */
  prune(beforeMs: number): Promise<number>;
}
