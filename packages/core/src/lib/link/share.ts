import { budgetKeyText, type SharedNeed, type SharedReading } from "@handlebar/engine";
import type { BudgetKey, Lease } from "@handlebar/protocol";

/** What a client holds of one shared budget, in calls or units of the metric. */
export class Share {
  readonly key: BudgetKey;
  readonly keyText: string;
  leaseId: string;
  /** The lease was asked for, so that the control plane may hold it. */
  isAsked: boolean = false;
  /** The control plane granted it, if only nothing. */
  isOpen: boolean = false;
  /** All that may be spent under the lease. */
  granted: number = 0;
  /** What was finally spent under it. */
  spent: number = 0;
  /** What of that the control plane knows. */
  reported: number = 0;
  /** What the whole budget had left beyond all leases, when it was last asked. */
  remaining: number = 0;
  resetAtMs: number | undefined;
  /** On the monotonic clock, counted from when the request was sent, so that the control plane's own count ends later. */
  expiresAtMs: number = Number.NEGATIVE_INFINITY;
  answeredAtMs: number = Number.NEGATIVE_INFINITY;
  reportedAtMs: number = Number.NEGATIVE_INFINITY;
  usedAtMs: number = Number.NEGATIVE_INFINITY;
  ttlMs: number = 0;
  /** What was free after the last grant. */
  lot: number = 0;
  /** What calls wait for. */
  wanted: number = 0;
  /** What is there for calls that are about to be decided. */
  claimed: number = 0;
  /** The control plane wants back what is not needed. */
  isRecalled: boolean = false;
  /** Some rule wants it read exactly: nothing is kept ahead. */
  isExact: boolean = false;
  /** Under way. */
  asking: Promise<Lease | undefined> | undefined;
  /** No room for as much was found lately. */
  #refused: { readonly amount: number; readonly untilMs: number } | undefined;
  readonly #reserved = new Map<string, number>();
  #reservedSum = 0;

  constructor(key: BudgetKey, leaseId: string) {
    this.key = key;
    this.keyText = budgetKeyText(key);
    this.leaseId = leaseId;
  }

  /** Estimates of calls under way. */
  get reserved(): number {
    return this.#reservedSum;
  }

  /** What may be spent and is not spoken for. */
  get free(): number {
    return this.granted - this.spent - this.#reservedSum - this.claimed;
  }

  /** Nobody waits for it or is about to use it. */
  get isQuiet(): boolean {
    return this.asking === undefined && this.wanted === 0 && this.claimed === 0;
  }

  get isUnreported(): boolean {
    return this.spent > this.reported;
  }

  isExpired(nowMs: number): boolean {
    return nowMs >= this.expiresAtMs;
  }

  /** Whether a call of this amount can be made from it. */
  has(amount: number, nowMs: number): boolean {
    const { free } = this;
    return !this.isExpired(nowMs) && free >= amount && free > 0;
  }

  isRefused(amount: number, nowMs: number): boolean {
    return this.#refused !== undefined && nowMs < this.#refused.untilMs && amount >= this.#refused.amount;
  }

  refuse(amount: number, untilMs: number): void {
    this.#refused = { amount, untilMs };
  }

  reserve(id: string, amount: number): void {
    // Of two calls of one id the second's estimate is spent: a budget may count too much, never too little.
    if (this.#reserved.has(id)) this.spent += amount;
    else {
      this.#reserved.set(id, amount);
      this.#reservedSum += amount;
    }
  }

  /** Gives a reservation up. @returns what it was. */
  release(id: string): number {
    const amount = this.#reserved.get(id) ?? 0;
    this.#reserved.delete(id);
    this.#reservedSum = this.#reserved.size === 0 ? 0 : this.#reservedSum - amount;
    return amount;
  }

  /** Takes over what the control plane answered to a request that left at `sentAtMs` and said that `reported` was spent. */
  answer(lease: Lease, sent: { readonly atMs: number; readonly reported: number }, nowMs: number): void {
    this.isOpen = true;
    this.granted = lease.granted;
    this.reported = Math.max(this.reported, sent.reported);
    this.remaining = lease.remaining;
    this.resetAtMs = lease.resetAt;
    this.ttlMs = lease.ttlMs;
    this.expiresAtMs = sent.atMs + lease.ttlMs;
    this.answeredAtMs = nowMs;
    this.reportedAtMs = nowMs;
    this.lot = Math.max(0, this.free);
  }

  /** Goes on under another lease, of which nothing is granted yet. */
  renewUnder(leaseId: string): void {
    this.leaseId = leaseId;
    this.isAsked = false;
    this.isOpen = false;
    this.isRecalled = false;
    this.granted = 0;
    this.spent = 0;
    this.reported = 0;
    this.expiresAtMs = Number.NEGATIVE_INFINITY;
  }

  read(need: SharedNeed, nowMs: number): SharedReading | undefined {
    if (this.isExpired(nowMs)) return undefined;
    const { free, remaining, resetAtMs } = this;
    const ceiling = need.ceiling ?? need.limit;
    // Where nothing is left to spend, others may have spent more than there was.
    const value = below(ceiling, free > 0 ? free : Math.min(free, remaining), need.amount);
    return {
      value,
      used: Math.max(0, need.limit - Math.max(remaining, 0) - Math.max(0, this.granted - this.spent - this.reserved)),
      ...(resetAtMs === undefined ? {} : { resetAtMs }),
    };
  }
}

/** `ceiling - free`, so that `amount` on top stays within the ceiling where it is free, however sums are rounded. */
function below(ceiling: number, free: number, amount: number): number {
  const value = ceiling - free;
  return free >= amount && value + amount > ceiling ? ceiling - amount - Math.abs(ceiling) * Number.EPSILON : value;
}
