import { LEASE_SHARE_MAX } from "../limits.ts";
import type { BudgetOperation, BudgetResult } from "./budgets-table.ts";

/** A lease as the ledger changes it. */
export interface LedgerLease {
  readonly leaseId: string;
  readonly clientId: string;
  granted: number;
  spent: number;
  expiresAtMs: number;
  status: "open" | "expired" | "returned";
  /** What it is taken to have spent since it ran out without a word, and when. */
  assumed: number;
  assumedAtMs: number | undefined;
  isChanged: boolean;
}

/** What is known of one budget as a transaction starts. */
export interface BudgetPosition {
  /** What was spent within the window. */
  used: number;
  /** When the oldest of it was spent. */
  readonly oldestAtMs: number | undefined;
  /** What open leases may still spend. */
  held: number;
  /** How many leases are open. */
  openCount: number;
  /** The leases that operations name, and those that have run out since. */
  readonly leases: Map<string, LedgerLease>;
}

export interface LedgerTimes {
  readonly nowMs: number;
  readonly windowMs: number;
  readonly leaseTtlMs: number;
}

/**
 * One budget within one transaction. What was spent within the window and what open leases may still spend never grow beyond the limit together:
 * a grant takes only what both leave, a lease that runs out counts as spent until its client says otherwise, and what a client says that it spent is
 * counted whether there was room or not.
 */
export class BudgetLedger {
  readonly #position: BudgetPosition;
  readonly #times: LedgerTimes;
  /** What was spent at which time, to be added to what is stored; negative where an assumption is taken back. */
  readonly spending: Map<number, number> = new Map();

  constructor(position: BudgetPosition, times: LedgerTimes) {
    this.#position = position;
    this.#times = times;
    for (const lease of position.leases.values()) this.#expire(lease);
  }

  get leases(): Iterable<LedgerLease> {
    return this.#position.leases.values();
  }

  get used(): number {
    return this.#position.used + Math.max(0, this.#position.held);
  }

  resetAtMs(): number | undefined {
    const oldestMs = Math.min(this.#position.oldestAtMs ?? Number.POSITIVE_INFINITY, ...this.#spentAtMs());
    return Number.isFinite(oldestMs) ? oldestMs + this.#times.windowMs : undefined;
  }

  apply(operation: BudgetOperation): BudgetResult {
    if (operation.op === "spend") return this.#spend(operation);
    const known = this.#position.leases.get(operation.leaseId);
    const lease = known ?? this.#open(operation);
    lease.isChanged = true;
    if (operation.op !== "request") this.#report(lease, operation.spent);
    if (operation.op === "return") this.#end(lease);
    // Asked again, a lease that has what was asked for gets nothing more: its first answer was lost.
    else if (operation.op === "renew" || operation.op === "request") this.#renew(lease, operation);
    return this.#answer(operation, lease);
  }

  /** What the server itself spends: all of it or nothing, and once whatever happens. */
  #spend(operation: BudgetOperation): BudgetResult {
    const known = this.#position.leases.get(operation.leaseId);
    if (known !== undefined) return this.#answer(operation, known);
    const hasRoom = operation.amount <= this.#left(operation.limit.amount);
    const lease = this.#open(operation);
    lease.isChanged = true;
    this.#close(lease, "returned");
    lease.granted = hasRoom ? operation.amount : 0;
    if (hasRoom) this.#report(lease, operation.amount);
    return this.#answer(operation, lease);
  }

  #open({ leaseId, clientId, spent, op }: BudgetOperation): LedgerLease {
    const lease: LedgerLease = {
      leaseId,
      clientId,
      // What a client spent under a lease that is not known was granted once.
      granted: op === "request" || op === "spend" ? 0 : spent,
      spent: 0,
      expiresAtMs: this.#times.nowMs + this.#times.leaseTtlMs,
      status: "open",
      assumed: 0,
      assumedAtMs: undefined,
      isChanged: true,
    };
    if (lease.granted > 0) this.#position.held += lease.granted;
    this.#position.openCount += 1;
    this.#position.leases.set(leaseId, lease);
    return lease;
  }

  /** Adds what was spent beyond what was known; it is no longer only assumed. */
  #report(lease: LedgerLease, spent: number): void {
    const more = Math.max(0, spent - lease.spent);
    if (more === 0) return;
    this.#takeBack(lease, more);
    const heldBefore = heldBy(lease);
    lease.spent += more;
    lease.granted = Math.max(lease.granted, lease.spent);
    this.#position.held += heldBy(lease) - heldBefore;
    this.#add(this.#times.nowMs, more);
  }

  /** Lifts up to `amount` of what an expired lease is taken to have spent. @returns how much. */
  #takeBack(lease: LedgerLease, amount: number): number {
    if (lease.assumedAtMs === undefined) return 0;
    const lifted = Math.min(amount, lease.assumed);
    this.#add(lease.assumedAtMs, -lifted);
    lease.assumed -= lifted;
    if (lease.assumed === 0) lease.assumedAtMs = undefined;
    return lifted;
  }

  #renew(lease: LedgerLease, operation: BudgetOperation): void {
    if (lease.status === "returned") return;
    if (lease.status === "expired") {
      const left = this.#takeBack(lease, lease.assumed);
      lease.granted = lease.spent;
      lease.status = "open";
      this.#position.openCount += 1;
      // A client that is late keeps what it had, unless others have it; one that asks anew has nothing.
      if (operation.op === "renew") this.#grant(lease, Math.min(left, this.#left(operation.limit.amount)));
    }
    this.#grant(lease, this.#shareOf(lease, operation));
    // A message that comes late does not take time away that a later one gave.
    lease.expiresAtMs = Math.max(lease.expiresAtMs, this.#times.nowMs + this.#times.leaseTtlMs);
  }

  /** What is granted on top of what the lease has left. */
  #shareOf(lease: LedgerLease, { amount, least, limit }: BudgetOperation): number {
    const own = heldBy(lease);
    const room = this.#left(limit.amount);
    const wanted = Math.min(amount - own, room);
    if (least === undefined) return wholeOf(limit, wanted);
    const needed = Math.max(0, least - own);
    // Less than the call at hand needs would only lie there.
    if (needed > room) return 0;
    const otherCount = Math.max(0, this.#position.openCount - 1);
    const fair = Math.min((room + own) / (otherCount + 1), limit.amount * LEASE_SHARE_MAX) - own;
    return Math.max(needed, wholeOf(limit, Math.min(wanted, fair)));
  }

  #grant(lease: LedgerLease, amount: number): void {
    const more = Math.max(0, amount);
    lease.granted += more;
    this.#position.held += more;
  }

  #end(lease: LedgerLease): void {
    this.#takeBack(lease, lease.assumed);
    this.#position.held -= heldBy(lease);
    lease.granted = lease.spent;
    this.#close(lease, "returned");
  }

  #close(lease: LedgerLease, status: "expired" | "returned"): void {
    if (lease.status === "open") this.#position.openCount -= 1;
    lease.status = status;
  }

  #expire(lease: LedgerLease): void {
    if (lease.status !== "open" || this.#times.nowMs < lease.expiresAtMs) return;
    const left = lease.granted - lease.spent;
    this.#position.held -= left;
    this.#close(lease, "expired");
    lease.isChanged = true;
    if (left === 0) return;
    lease.assumed = left;
    // It was spent before the lease ran out, if it was.
    lease.assumedAtMs = lease.expiresAtMs;
    this.#add(lease.expiresAtMs, left);
  }

  #add(atMs: number, amount: number): void {
    if (amount === 0) return;
    this.spending.set(atMs, (this.spending.get(atMs) ?? 0) + amount);
    if (atMs > this.#times.nowMs - this.#times.windowMs) this.#position.used += amount;
  }

  #spentAtMs(): readonly number[] {
    const sinceMs = this.#times.nowMs - this.#times.windowMs;
    return [...this.spending].filter(([atMs, amount]) => amount > 0 && atMs > sinceMs).map(([atMs]) => atMs);
  }

  #left(limit: number): number {
    return limit - this.used;
  }

  #answer({ limit, least = 0, op }: BudgetOperation, lease: LedgerLease): BudgetResult {
    const remaining = this.#left(limit.amount);
    const own = heldBy(lease);
    return {
      granted: lease.granted,
      remaining,
      resetAtMs: remaining > 0 ? undefined : this.resetAtMs(),
      missing: op === "request" || op === "renew" ? Math.max(0, least - own) : 0,
      heldByOthers: Math.max(0, this.#position.held - own),
    };
  }
}

function wholeOf({ isWhole }: BudgetOperation["limit"], amount: number): number {
  return isWhole ? Math.floor(amount) : amount;
}

function heldBy({ status, granted, spent }: LedgerLease): number {
  return status === "open" ? granted - spent : 0;
}
