import type { BudgetKey, Lease, LeaseOperation, Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import type { BudgetOperation, BudgetResult, LeaseRecord } from "../storage/budgets-table.ts";
import { BudgetsService, type BudgetsServiceDeps } from "./budgets-service.ts";

const KEY: BudgetKey = { policyId: "p", ruleId: "calls", index: 0, scope: "agent", scopeId: "support" };
const POLICY: Policy = {
  id: "p",
  name: "p",
  rules: [
    {
      id: "calls",
      name: "calls",
      on: "tool.before",
      when: { kind: "maxCalls", scope: "agent", max: 10, windowSeconds: 60 },
      effect: { type: "block" },
    },
  ],
};

/** A store that grants nothing since others hold all of it. */
class FullStore {
  readonly applied: { readonly operations: readonly BudgetOperation[]; readonly leaseTtlMs: number }[] = [];
  readonly recalled: string[] = [];
  readonly errors: unknown[] = [];
  open: Pick<LeaseRecord, "leaseId" | "clientId" | "granted" | "spent">[] = [];
  result: Partial<BudgetResult> = {};
  isBroken = false;
  nowMs = 0;

  readonly service: BudgetsService;

  constructor() {
    const budgets: Partial<BudgetsServiceDeps["store"]["budgets"]> = {
      apply: async (_, operations, leaseTtlMs) => {
        this.applied.push({ operations, leaseTtlMs });
        const nothing = { granted: 0, remaining: 0, resetAtMs: undefined, missing: 1, heldByOthers: 1 };
        return operations.map(() => ({ ...nothing, ...this.result }));
      },
      leases: async () => {
        if (this.isBroken) throw new Error("the store is gone");
        return this.open.map((lease) => ({ ...lease, key: KEY, expiresAtMs: 0, status: "open" }));
      },
    };
    const changes = { append: async (_: string, kind: string, ref: string) => this.recalled.push(`${kind} ${ref}`) };
    const deps = {
      store: { budgets, changes },
      runtime: { monotonicMs: () => this.nowMs },
      agents: { require: async () => undefined },
      states: { get: async () => ({ policies: [POLICY] }) },
      onError: (error: unknown) => this.errors.push(error),
      // Nothing else of them is asked for.
    } as unknown as BudgetsServiceDeps;
    this.service = new BudgetsService(deps);
  }

  async ask(clientId: string, given: Partial<LeaseOperation> = {}): Promise<Lease | undefined> {
    // The operation's kind does not change.
    const operation = {
      op: "request",
      leaseId: `of ${clientId}`,
      key: KEY,
      amount: 5,
      least: 1,
      ...given,
    } as LeaseOperation;
    return (await this.service.apply("w", "support", { clientId, operations: [operation] }))[0];
  }
}

const held = (leaseId: string, clientId: string, granted: number, spent: number = 0): FullStore["open"][number] => ({
  leaseId,
  clientId,
  granted,
  spent,
});

describe("leases of shared budgets", () => {
  it("last two seconds longer for the control plane than for their clients, whose clocks may be slow", async () => {
    const store = new FullStore();
    store.result = { granted: 5, missing: 0 };
    expect((await store.ask("b"))?.ttlMs).toBe(10_000);
    expect(store.applied).toMatchObject([
      {
        leaseTtlMs: 12_000,
        operations: [{ op: "request", amount: 5, least: 1, limit: { amount: 10, windowMs: 60_000 } }],
      },
    ]);
  });

  it("are called back from others when one needs room, once, and it is told to ask again", async () => {
    const store = new FullStore();
    store.open = [held("l1", "a", 2), held("l2", "c", 5, 1), held("l3", "b", 3), held("l4", "d", 4, 4)];
    expect((await store.ask("b"))?.retryAfterMs).toBe(150);
    // The largest first; not its own, and none that is used up.
    expect(store.recalled).toEqual(["leases l2\nc", "leases l1\na"]);
    store.nowMs = 1_499;
    expect((await store.ask("b"))?.retryAfterMs).toBe(150);
    // Whoever has not answered by then needs it, or is gone.
    store.nowMs = 1_500;
    expect((await store.ask("b"))?.retryAfterMs).toBeUndefined();
    expect(store.recalled).toHaveLength(2);
    store.nowMs = 10_001;
    expect((await store.ask("b"))?.retryAfterMs).toBe(150);
    expect(store.recalled).toHaveLength(4);
  });

  it.each<[string, Partial<BudgetResult>]>([
    ["there was room", { granted: 1, missing: 0 }],
    ["nobody else has any", { heldByOthers: 0 }],
  ])("are not called back where %s", async (_, result) => {
    const store = new FullStore();
    store.open = [held("l1", "a", 2)];
    store.result = result;
    expect((await store.ask("b"))?.retryAfterMs).toBeUndefined();
    expect(store.recalled).toEqual([]);
  });

  it("are refused all the same where they cannot be called back", async () => {
    const store = new FullStore();
    store.isBroken = true;
    expect(await store.ask("b")).toMatchObject({ granted: 0, ttlMs: 10_000 });
    expect(store.errors).toEqual([new Error("the store is gone")]);
  });

  it("say when there is room again only where there is none", async () => {
    const store = new FullStore();
    store.result = { resetAtMs: 77 };
    expect((await store.ask("b"))?.resetAt).toBe(77);
    store.result = { resetAtMs: 77, remaining: 1 };
    expect((await store.ask("b"))?.resetAt).toBeUndefined();
  });
});
