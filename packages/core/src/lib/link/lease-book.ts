import { budgetKeyText, type SharedAdd, type SharedNeed, type SharedReading } from "@handlebar/engine";
import {
  type BudgetAnswer,
  type BudgetKey,
  budgetAnswerSchema,
  type Lease,
  type LeaseOperation,
} from "@handlebar/protocol";
import type { Runtime } from "../runtime.ts";
import { createProcessWindows, type SharedWindows } from "../shared-windows.ts";
import type { ApiClient } from "./api-client.ts";
import { LINK_TIMES } from "./link-times.ts";

interface Held {
  readonly leaseId: string;
  readonly key: BudgetKey;
  granted: number;
  spent: number;
  readonly reserved: Map<string, number>;
  /** On the monotonic clock, counted from when the request was sent, so that the server's own count ends later. */
  expiresAtMs: number;
  resetAtMs: number | undefined;
  asking: Promise<void> | undefined;
}

const LEASE_COUNT_MAX = 10_000;
/** As many as one request may carry. */
const OPERATION_COUNT_MAX = 256;
/** How many calls' worth a lease is asked for at once, so that most calls need no request. */
const CALLS_PER_LEASE = 20;

/** Leases on shared budgets: asked for before a call needs them, spent here, renewed before they run out, given back. */
export class LeaseBook implements SharedWindows {
  readonly #runtime: Runtime;
  readonly #api: ApiClient;
  readonly #clientId: string;
  readonly #agentId: () => string | undefined;
  readonly #held = new Map<string, Held>();
  /** Averages and extremes cannot be leased: they are those of this process. */
  readonly #ownWindows: SharedWindows;

  constructor(options: {
    readonly runtime: Runtime;
    readonly api: ApiClient;
    readonly clientId: string;
    readonly agentId: () => string | undefined;
  }) {
    this.#runtime = options.runtime;
    this.#api = options.api;
    this.#clientId = options.clientId;
    this.#agentId = options.agentId;
    this.#ownWindows = createProcessWindows(options.runtime);
  }

  read(need: SharedNeed): SharedReading | undefined {
    if (!isLeasable(need.aggregate)) return this.#ownWindows.read(need);
    const held = this.#held.get(budgetKeyText(need.key));
    if (held === undefined || this.#runtime.clock.monotonicMs() >= held.expiresAtMs) return undefined;
    return {
      value: need.limit - left(held),
      ...(held.resetAtMs === undefined ? {} : { resetAtMs: held.resetAtMs }),
    };
  }

  async prepare(needs: readonly SharedNeed[]): Promise<void> {
    await Promise.all(needs.filter((need) => isLeasable(need.aggregate)).map((need) => this.#ensure(need)));
  }

  apply(add: SharedAdd, id: string): void {
    if (!isLeasable(add.aggregate)) {
      this.#ownWindows.apply(add, id);
      return;
    }
    const held = this.#held.get(budgetKeyText(add.key));
    if (held === undefined) return;
    if (add.kind === "reserve" && !held.reserved.has(id)) held.reserved.set(id, add.amount);
    else {
      // Of two calls of one id the second's estimate is spent: a lease may count too much, never too little.
      if (add.kind !== "reserve") held.reserved.delete(id);
      held.spent += add.amount;
    }
    if (add.kind === "settle") void this.#send(held, { op: "settle", ...identify(held), spent: held.spent });
  }

  /** The server wants a lease back: what is left of it is not spent any more. */
  recall(leaseId: string): void {
    const held = [...this.#held.values()].find((one) => one.leaseId === leaseId);
    if (held === undefined) return;
    this.#held.delete(budgetKeyText(held.key));
    void this.#return([held]);
  }

  /** Gives every lease back. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    if (all.length > 0) await this.#return(all);
  }

  async #ensure(need: SharedNeed): Promise<void> {
    const text = budgetKeyText(need.key);
    const held = this.#held.get(text) ?? this.#open(text, need.key);
    if (held === undefined) return;
    const isExpired = this.#runtime.clock.monotonicMs() >= held.expiresAtMs;
    const isShort = left(held) < Math.max(need.amount, Number.MIN_VALUE);
    if (!isExpired && !isShort && !need.exact) {
      if (left(held) < chunkOf(need) / 4) held.asking ??= this.#ask(held, need);
      return;
    }
    held.asking ??= this.#ask(held, need);
    await held.asking;
  }

  #open(text: string, key: BudgetKey): Held | undefined {
    if (this.#held.size >= LEASE_COUNT_MAX) this.#forgetExpired();
    if (this.#held.size >= LEASE_COUNT_MAX) return undefined;
    const held: Held = {
      leaseId: this.#runtime.newId(),
      key,
      granted: 0,
      spent: 0,
      reserved: new Map(),
      expiresAtMs: 0,
      resetAtMs: undefined,
      asking: undefined,
    };
    this.#held.set(text, held);
    return held;
  }

  async #ask(held: Held, need: SharedNeed): Promise<void> {
    const sentAtMs = this.#runtime.clock.monotonicMs();
    const amount = need.exact ? Math.max(need.amount, 1) : chunkOf(need);
    const isNew = held.expiresAtMs === 0;
    const lease = await this.#send(
      held,
      isNew
        ? { op: "request", ...identify(held), amount }
        : { op: "renew", ...identify(held), spent: held.spent + reservedOf(held), amount },
    );
    held.asking = undefined;
    if (lease === undefined) return;
    held.granted = lease.granted;
    held.expiresAtMs = sentAtMs + lease.ttlMs;
    held.resetAtMs = lease.resetAt;
  }

  async #send(held: Held, operation: LeaseOperation): Promise<Lease | undefined> {
    const answer = await this.#post([operation]);
    return answer?.leases.find((lease) => lease.leaseId === held.leaseId);
  }

  async #return(all: readonly Held[]): Promise<void> {
    const operations = all.map(
      (held): LeaseOperation => ({ op: "return", ...identify(held), spent: held.spent + reservedOf(held) }),
    );
    const posts: Promise<unknown>[] = [];
    for (let at = 0; at < operations.length; at += OPERATION_COUNT_MAX) {
      posts.push(this.#post(operations.slice(at, at + OPERATION_COUNT_MAX)));
    }
    await Promise.all(posts);
  }

  async #post(operations: readonly LeaseOperation[]): Promise<BudgetAnswer | undefined> {
    const agentId = this.#agentId();
    if (agentId === undefined) return undefined;
    const answer = await this.#api.request<BudgetAnswer>({
      method: "POST",
      path: `/v1/agents/${encodeURIComponent(agentId)}/metrics/budget`,
      body: { clientId: this.#clientId, operations },
      schema: budgetAnswerSchema,
      timeoutMs: LINK_TIMES.leaseTimeoutMs,
      breaker: "budget",
    });
    return answer.ok ? answer.value : undefined;
  }

  #forgetExpired(): void {
    const nowMs = this.#runtime.clock.monotonicMs();
    for (const [text, held] of this.#held) if (nowMs >= held.expiresAtMs) this.#held.delete(text);
  }
}

function isLeasable(aggregate: SharedNeed["aggregate"]): boolean {
  return aggregate === "sum" || aggregate === "count";
}

function reservedOf(held: Held): number {
  let sum = 0;
  for (const amount of held.reserved.values()) sum += amount;
  return sum;
}

function left(held: Held): number {
  return held.granted - held.spent - reservedOf(held);
}

function chunkOf(need: SharedNeed): number {
  return need.amount > 0 ? need.amount * CALLS_PER_LEASE : Math.max(need.limit / CALLS_PER_LEASE, Number.MIN_VALUE);
}

function identify(held: Held): { leaseId: string; key: BudgetKey } {
  return { leaseId: held.leaseId, key: held.key };
}
