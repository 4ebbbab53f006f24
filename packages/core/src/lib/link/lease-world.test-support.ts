import type { SharedAdd, SharedNeed } from "@handlebar/engine";
import type { BudgetBody, BudgetKey, Lease, LeaseOperation } from "@handlebar/protocol";
import type { FetchInit, Runtime } from "../runtime.ts";
import { SimWorld } from "../sinks/sim-world.test-support.ts";
import { ApiClient } from "./api-client.ts";
import type { LeaseDeskOptions } from "./lease-desk.ts";

export const KEY: BudgetKey = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" };
export const TTL_MS = 10_000;

/** One request that waits for its answer. */
export interface Post {
  readonly body: BudgetBody;
  readonly operations: readonly LeaseOperation[];
  /** Grants to each operation in order; `granted` is 0 where it is not given. */
  answer(...leases: readonly Partial<Lease>[]): void;
  /** The connection breaks. */
  fail(): void;
}

/** A control plane that answers when the test says so, and a clock that moves when it is told to. */
export class LeaseWorld {
  readonly runtime: Runtime;
  /** Every request so far. */
  readonly posts: Post[] = [];
  readonly desk: LeaseDeskOptions;
  agentId: string | undefined = "support";
  /** Added to wall time alone. */
  wallStepMs = 0;
  readonly #sim = new SimWorld(7);

  constructor() {
    const { runtime } = this.#sim;
    const { clock } = runtime;
    this.runtime = {
      ...runtime,
      clock: { nowMs: () => clock.nowMs() + this.wallStepMs, monotonicMs: () => clock.monotonicMs() },
      fetch: (_url, init) => this.#fetch(init),
    };
    const at = { endpoint: "https://plane.test", apiKey: "k", clientId: "c1" };
    this.desk = { api: new ApiClient(this.runtime, at), clientId: "c1", agentId: () => this.agentId };
  }

  settle(): Promise<void> {
    return this.#sim.settle();
  }

  advance(ms: number): Promise<void> {
    return this.#sim.advance(ms);
  }

  /** The request that came last; the test fails where there is none. */
  get last(): Post {
    const post = this.posts.at(-1);
    if (post === undefined) throw new Error("nothing was asked");
    return post;
  }

  /** The operations of all requests since the last call of this. */
  takeOperations(): readonly LeaseOperation[] {
    return this.posts.splice(0).flatMap(({ operations }) => operations);
  }

  #fetch(init: FetchInit): Promise<Response> {
    // The desk made it.
    const body = JSON.parse(typeof init.body === "string" ? init.body : "{}") as BudgetBody;
    const { operations } = body;
    return new Promise((resolve, reject) => {
      this.posts.push({
        body,
        operations,
        answer: (...leases) =>
          resolve(Response.json({ leases: leases.map((lease, at) => leaseOf(operations[at], lease)) })),
        fail: () => reject(new TypeError("fetch failed")),
      });
    });
  }
}

function leaseOf(operation: LeaseOperation | undefined, given: Partial<Lease>): Lease {
  return {
    leaseId: operation?.leaseId ?? "",
    key: operation?.key ?? KEY,
    granted: 0,
    ttlMs: TTL_MS,
    remaining: 0,
    ...given,
  };
}

/** A call that counts one of a hundred. */
export function callNeed(given: Partial<SharedNeed> = {}): SharedNeed {
  const window = { key: KEY, metric: "calls", aggregate: "count", windowMs: 3_600_000 } as const;
  return { ...window, limit: 100, ceiling: 100, amount: 1, exact: false, ...given };
}

/** A call of which it is known afterwards what it costs. */
export function moneyNeed(amount: number, given: Partial<SharedNeed> = {}): SharedNeed {
  return callNeed({ metric: "usd", aggregate: "sum", amount, ...given });
}

/** What a call that was let through, or ended, changes. */
export function change(kind: SharedAdd["kind"], amount: number, given: Partial<SharedAdd> = {}): SharedAdd {
  const { key, metric, aggregate, windowMs, limit, exact } = callNeed();
  return { kind, key, metric, aggregate, windowMs, limit, ceiling: 100, exact, amount, ...given };
}
