import { budgetKeyText, type SharedAdd, type SharedNeed, type SharedReading } from "@handlebar/engine";
import type { BudgetKey, Lease } from "@handlebar/protocol";
import type { Runtime, Timer } from "../runtime.ts";
import { createProcessWindows, type SharedWindows } from "../shared-windows.ts";
import { LeaseDesk, type LeaseDeskOptions } from "./lease-desk.ts";
import { LINK_TIMES } from "./link-times.ts";
import { Share } from "./share.ts";

const SHARE_COUNT_MAX = 10_000;
/** Leases that were given up and of which the control plane has not said that it knows. */
const GIVEN_UP_COUNT_MAX = 10_000;
/** How many calls' worth a lease is asked for at once, so that most calls need no request; the control plane grants what is fair. */
const CALLS_PER_LEASE = 20;
/** Of a budget whose calls are not estimated. */
const LIMIT_PARTS = 100;
/** Below this part of what was free at first, more is asked for in the background. */
const LOW_PART = 1 / 4;

interface GivenUp {
  readonly key: BudgetKey;
  readonly spent: number;
  isUnderWay: boolean;
}

/**
 * Leases on shared budgets: asked for before a call needs them, spent here, renewed while they are used, given back when they are not, or when
 * another client needs them.
 */
export class LeaseBook implements SharedWindows {
  readonly #runtime: Runtime;
  readonly #desk: LeaseDesk;
  readonly #shares = new Map<string, Share>();
  readonly #givenUp = new Map<string, GivenUp>();
  /** Averages and extremes cannot be leased: they are those of this process. */
  readonly #ownWindows: SharedWindows;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: LeaseDeskOptions & { readonly runtime: Runtime }) {
    this.#runtime = options.runtime;
    this.#desk = new LeaseDesk(options);
    this.#ownWindows = createProcessWindows(options.runtime);
  }

  read(need: SharedNeed): SharedReading | undefined {
    if (need.ceiling === undefined) return this.#ownWindows.read(need);
    return this.#shares.get(budgetKeyText(need.key))?.read(need, this.#nowMs());
  }

  async prepare(needs: readonly SharedNeed[]): Promise<() => void> {
    const leased = needs.filter((need) => need.ceiling !== undefined);
    const claims = await Promise.all(leased.map((need) => this.#claim(need)));
    return () => {
      for (const { share, amount } of claims.splice(0)) if (share !== undefined) share.claimed -= amount;
    };
  }

  apply(add: SharedAdd, id: string): void {
    if (add.ceiling === undefined) {
      this.#ownWindows.apply(add, id);
      return;
    }
    // What was spent without a lease, when none could be had, is reported too.
    const share = this.#open(add.key);
    if (share === undefined) return;
    if (add.kind === "reserve") share.reserve(id, add.amount);
    else if (add.kind === "add") share.spent += amountOf(add, 0);
    else {
      const reserved = share.release(id);
      if (add.kind === "settle") share.spent += amountOf(add, reserved);
    }
    share.usedAtMs = this.#nowMs();
  }

  /** The control plane wants a lease back: what of it is not needed now is given back. */
  recall(leaseId: string): void {
    for (const share of this.#shares.values()) {
      if (share.leaseId !== leaseId) continue;
      share.isRecalled = true;
      this.#giveBack(share);
      return;
    }
  }

  /** Gives every lease back; estimates of calls that have not ended count as spent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const share of this.#shares.values()) {
      share.spent += share.reserved;
      if (share.isAsked || share.isUnreported) this.#giveUp(share);
    }
    this.#shares.clear();
    await Promise.all([...this.#givenUp.keys()].map((leaseId) => this.#sayGivenUp(leaseId)));
  }

  /** Sees to it that the call can be made, as far as that can be had; what is there for it is kept for it. */
  async #claim(need: SharedNeed): Promise<{ readonly share: Share | undefined; readonly amount: number }> {
    const share = this.#open(need.key);
    const { amount } = need;
    if (share === undefined) return { share, amount };
    share.usedAtMs = this.#nowMs();
    share.isExact = need.exact;
    if (need.exact || !share.has(amount, this.#nowMs())) await this.#obtain(share, need);
    if (!share.has(amount, this.#nowMs())) return { share: undefined, amount };
    share.claimed += amount;
    const isLow = !need.exact && share.free < share.lot * LOW_PART && !share.isRefused(amount, this.#nowMs());
    if (isLow) share.asking ??= this.#ask(share, need);
    return { share, amount };
  }

  async #obtain(share: Share, need: SharedNeed): Promise<void> {
    const { amount, exact } = need;
    const untilMs = this.#nowMs() + LINK_TIMES.leaseTimeoutMs;
    share.wanted += amount;
    try {
      // What is under way was asked for without this call.
      if (share.asking !== undefined) await share.asking;
      let isAlone = false;
      while (exact || !share.has(amount, this.#nowMs())) {
        if (!exact && share.isRefused(amount, this.#nowMs())) return;
        share.asking ??= this.#ask(share, need, isAlone);
        const lease: Lease | undefined = await share.asking;
        if (share.has(amount, this.#nowMs()) && lease !== undefined) return;
        const isEnoughForOne: boolean = !isAlone && (lease?.remaining ?? 0) >= amount && share.wanted > amount;
        const delayMs: number | undefined = isEnoughForOne ? 0 : this.#delayMsOf(lease);
        if (delayMs === undefined || this.#nowMs() + delayMs >= untilMs) {
          if (lease !== undefined) share.refuse(amount, this.#nowMs() + LINK_TIMES.refusalKeptMs);
          return;
        }
        isAlone = isEnoughForOne;
        if (delayMs > 0) await this.#wait(delayMs);
      }
    } finally {
      share.wanted -= amount;
    }
  }

  /** When to ask again for a call that could not be made: after a lost answer shortly, after a refusal when the control plane says so. */
  #delayMsOf(lease: Lease | undefined): number | undefined {
    if (lease !== undefined) return lease.retryAfterMs;
    return LINK_TIMES.leaseRetryMs * (0.5 + this.#runtime.random());
  }

  /** Asks for what calls need and some more. @param isAlone for this call alone, where there is not enough for all that wait. */
  async #ask(share: Share, need: SharedNeed, isAlone: boolean = false): Promise<Lease | undefined> {
    const least = share.reserved + share.claimed + (isAlone ? need.amount : share.wanted);
    const ahead = need.exact || isAlone ? 0 : aheadOf(need);
    const lease = await this.#send(share, { least, amount: least + ahead });
    share.asking = undefined;
    // An answer about a rule that wants to be exact is worth nothing afterwards.
    if (lease === undefined && need.exact) share.expiresAtMs = Number.NEGATIVE_INFINITY;
    if (share.isRecalled) this.#giveBack(share);
    return lease;
  }

  async #send(share: Share, asked: { readonly least: number; readonly amount: number }): Promise<Lease | undefined> {
    if (share.isOpen && share.isExpired(this.#nowMs())) this.#giveUp(share);
    const { leaseId, key, spent } = share;
    const atMs = this.#nowMs();
    share.isAsked = true;
    const op = share.isOpen ? ({ op: "renew", spent } as const) : ({ op: "request" } as const);
    const lease = await this.#desk.submit({ leaseId, key, ...op, ...asked });
    if (lease === undefined || share.leaseId !== leaseId) return undefined;
    share.answer(lease, { atMs, reported: op.op === "renew" ? spent : 0 }, this.#nowMs());
    return lease;
  }

  /** Gives back what is free of a lease, by ending it; calls under way go on under another one. */
  #giveBack(share: Share): void {
    if (!share.isQuiet || share.free <= 0) return;
    this.#giveUp(share);
    if (share.reserved > 0) this.#keep(share);
    else this.#shares.delete(share.keyText);
  }

  /** Asks for the estimates of calls under way and nothing more, or for time. */
  #keep(share: Share): void {
    const least = share.reserved;
    const sent = this.#send(share, { least, amount: least });
    share.asking = sent.finally(() => {
      share.asking = undefined;
    });
  }

  /** Nothing is spent under the share's lease any more; the control plane is told until it knows. */
  #giveUp(share: Share): void {
    const { leaseId, key, spent } = share;
    this.#givenUp.set(leaseId, { key, spent, isUnderWay: false });
    const [oldest] = this.#givenUp.keys();
    if (this.#givenUp.size > GIVEN_UP_COUNT_MAX && oldest !== undefined) this.#givenUp.delete(oldest);
    share.renewUnder(this.#runtime.newId());
    if (!this.#isClosed) void this.#sayGivenUp(leaseId);
  }

  async #sayGivenUp(leaseId: string): Promise<void> {
    const given = this.#givenUp.get(leaseId);
    if (given === undefined || given.isUnderWay) return;
    given.isUnderWay = true;
    const { key, spent } = given;
    const lease = await this.#desk.submit({ op: "return", leaseId, key, spent });
    given.isUnderWay = false;
    if (lease !== undefined) this.#givenUp.delete(leaseId);
  }

  async #settle(share: Share): Promise<void> {
    const { leaseId, key, spent } = share;
    share.reportedAtMs = this.#nowMs();
    const lease = await this.#desk.submit({ op: "settle", leaseId, key, spent });
    if (lease !== undefined && share.leaseId === leaseId) share.reported = Math.max(share.reported, spent);
  }

  #open(key: BudgetKey): Share | undefined {
    const known = this.#shares.get(budgetKeyText(key));
    if (known !== undefined) return known;
    if (this.#shares.size >= SHARE_COUNT_MAX) return undefined;
    const share = new Share(key, this.#runtime.newId());
    this.#shares.set(share.keyText, share);
    this.#tickLater();
    return share;
  }

  #tickLater(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#runtime.timers.set(() => {
      this.#timer = undefined;
      for (const share of this.#shares.values()) this.#look(share);
      for (const leaseId of this.#givenUp.keys()) void this.#sayGivenUp(leaseId);
      if (this.#shares.size > 0 || this.#givenUp.size > 0) this.#tickLater();
    }, LINK_TIMES.leaseTickMs);
  }

  /** Looks after one share: reports what was spent, renews what is used, gives back what is not. */
  #look(share: Share): void {
    if (!share.isQuiet) return;
    const nowMs = this.#nowMs();
    const isOver = !share.isOpen || share.isExpired(nowMs);
    if (isOver && (share.isAsked || share.isUnreported)) this.#giveUp(share);
    if (isOver) {
      if (share.reserved > 0) this.#keep(share);
      else this.#shares.delete(share.keyText);
      return;
    }
    const halfMs = share.ttlMs / 2;
    const isIdle = nowMs - share.usedAtMs >= halfMs;
    if (isIdle && share.reserved === 0) {
      this.#giveUp(share);
      this.#shares.delete(share.keyText);
    } else if (share.free > 0 && (isIdle || share.isRecalled || share.isExact)) this.#giveBack(share);
    else if (nowMs - share.answeredAtMs >= halfMs) this.#keep(share);
    else if (share.isUnreported && nowMs - share.reportedAtMs >= LINK_TIMES.settleEveryMs) void this.#settle(share);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#runtime.timers.set(resolve, delayMs);
    });
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs();
  }
}

/** What a call came to; one that cannot be counted came to its estimate. */
function amountOf({ amount }: SharedAdd, estimate: number): number {
  return Number.isFinite(amount) ? Math.max(0, amount) : estimate;
}

function aheadOf({ amount, limit }: SharedNeed): number {
  return amount > 0 ? amount * CALLS_PER_LEASE : Math.max(limit / LIMIT_PARTS, Number.MIN_VALUE);
}
