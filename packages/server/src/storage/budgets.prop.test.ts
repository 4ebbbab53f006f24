import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BudgetOperation, BudgetsTable } from "./budgets-table.ts";
import { openTestStore, TEST_WORKSPACE } from "./test-store.test-support.ts";

const WINDOW_MS = 10_000;
const TTL_MS = 2_000;
const LIMIT = 25;
const KEY = { policyId: "p", ruleId: "r", index: 0, scope: "workspace", scopeId: "" } as const;

/** What an honest client does; its clock may run behind the server's by the time that an answer takes. */
interface Client {
  readonly clientId: string;
  lease: { id: string; granted: number; spent: number; expiresAtMs: number } | undefined;
  leases: number;
}

type Act =
  | { readonly kind: "ask"; readonly client: number; readonly amount: number; readonly isLost: boolean }
  | { readonly kind: "spend"; readonly client: number; readonly amount: number }
  | { readonly kind: "settle" | "return" | "crash"; readonly client: number }
  | { readonly kind: "server"; readonly amount: number }
  | { readonly kind: "wait"; readonly ms: number };

const client = fc.nat(3);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant("ask" as const),
    client,
    amount: fc.integer({ min: 1, max: 9 }),
    isLost: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("spend" as const), client, amount: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constantFrom("settle" as const, "return" as const, "crash" as const), client }),
  fc.record({ kind: fc.constant("server" as const), amount: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
);

/** Clients that spend only what they were granted, and what they really spent, by the time of it. */
class World {
  readonly clients: readonly Client[] = [0, 1, 2, 3].map((n) => ({ clientId: `c${n}`, lease: undefined, leases: 0 }));
  readonly spent: { readonly atMs: number; readonly amount: number }[] = [];
  readonly #budgets: BudgetsTable;
  readonly #keyText: string;
  nowMs: number;
  #served = 0;

  constructor(budgets: BudgetsTable, given: { readonly keyText: string; readonly nowMs: number }) {
    this.#budgets = budgets;
    this.#keyText = given.keyText;
    this.nowMs = given.nowMs;
  }

  async do(what: Act): Promise<void> {
    if (what.kind === "wait") this.nowMs += what.ms;
    else if (what.kind === "server") await this.#serve(what.amount);
    else await this.#act(what, this.clients[what.client] as Client);
  }

  inWindow(atMs: number): number {
    const sinceMs = atMs - WINDOW_MS;
    return this.spent
      .filter((entry) => entry.atMs > sinceMs && entry.atMs <= atMs)
      .reduce((sum, { amount }) => sum + amount, 0);
  }

  async #act(what: Exclude<Act, { readonly kind: "wait" | "server" }>, one: Client): Promise<void> {
    if (what.kind === "ask") await this.#ask(one, what);
    else if (what.kind === "spend") this.#spend(one, what.amount);
    else if (what.kind === "crash") one.lease = undefined;
    else if (one.lease !== undefined) {
      await this.#apply(what.kind, one, { spent: one.lease.spent });
      if (what.kind === "return") one.lease = undefined;
    }
  }

  async #ask(one: Client, { amount, isLost }: { readonly amount: number; readonly isLost: boolean }): Promise<void> {
    if (one.lease === undefined) {
      one.leases += 1;
      one.lease = { id: `${one.clientId}-${one.leases}`, granted: 0, spent: 0, expiresAtMs: 0 };
    }
    const { lease } = one;
    const op = lease.expiresAtMs === 0 ? "request" : "renew";
    const result = await this.#apply(op, one, { spent: lease.spent, amount });
    if (isLost) return;
    lease.granted = result.granted;
    lease.expiresAtMs = this.nowMs + TTL_MS;
  }

  #spend({ lease }: Client, amount: number): void {
    if (lease === undefined || this.nowMs >= lease.expiresAtMs || lease.spent + amount > lease.granted) return;
    lease.spent += amount;
    this.spent.push({ atMs: this.nowMs, amount });
  }

  async #serve(amount: number): Promise<void> {
    this.#served += 1;
    const id = `server-${this.#served}`;
    const operation = this.#operation("spend", { leaseId: id, clientId: "server", amount });
    const [first, again] = await this.#budgets.apply(TEST_WORKSPACE, [operation, operation], TTL_MS);
    expect(again?.granted).toBe(first?.granted);
    if (first?.granted === amount) this.spent.push({ atMs: this.nowMs, amount });
  }

  async #apply(
    op: BudgetOperation["op"],
    one: Client,
    given: { readonly spent: number; readonly amount?: number },
  ): Promise<{ readonly granted: number }> {
    const operation = this.#operation(op, { leaseId: one.lease?.id ?? "", clientId: one.clientId, ...given });
    const [result] = await this.#budgets.apply(TEST_WORKSPACE, [operation], TTL_MS);
    if (result === undefined) throw new Error("one operation has one answer");
    return result;
  }

  #operation(op: BudgetOperation["op"], given: Partial<BudgetOperation>): BudgetOperation {
    return {
      op,
      leaseId: "",
      clientId: "",
      key: KEY,
      keyText: this.#keyText,
      limit: { amount: LIMIT, windowMs: WINDOW_MS, isWhole: true },
      amount: 0,
      spent: 0,
      ...given,
    };
  }
}

describe("shared budgets", () => {
  it("are never overshot, whatever honest clients ask, lose, return or leave behind", async () => {
    let clock = { nowMs: 1_000_000 };
    const store = await openTestStore({ nowMs: () => clock.nowMs });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 60 }), async (acts) => {
        round += 1;
        const world = new World(store.budgets, { keyText: `budget ${round}`, nowMs: clock.nowMs });
        clock = world;
        for (const one of acts) {
          await world.do(one);
          expect(world.inWindow(world.nowMs)).toBeLessThanOrEqual(LIMIT);
        }
        const limit = { amount: LIMIT, windowMs: WINDOW_MS, isWhole: true };
        const [read] = await store.budgets.read(TEST_WORKSPACE, [{ keyText: `budget ${round}`, limit }]);
        expect(read?.used).toBeGreaterThanOrEqual(world.inWindow(world.nowMs));
        expect(read?.used).toBeLessThanOrEqual(LIMIT);
      }),
      { numRuns: 150 },
    );
    await store.close();
  });

  it("give out all of what they have while it is asked for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 12, maxLength: 30 }), async (amounts) => {
        const store = await openTestStore();
        const operations = amounts.map(
          (amount, n): BudgetOperation => ({
            op: "request",
            leaseId: `l${n}`,
            clientId: "c",
            key: KEY,
            keyText: "k",
            limit: { amount: LIMIT, windowMs: WINDOW_MS, isWhole: true },
            amount,
            spent: 0,
          }),
        );
        const answers = await Promise.all(operations.map((one) => store.budgets.apply(TEST_WORKSPACE, [one], TTL_MS)));
        const granted = answers.flat().reduce((sum, answer) => sum + answer.granted, 0);
        expect(granted).toBe(
          Math.min(
            LIMIT,
            amounts.reduce((sum, amount) => sum + amount, 0),
          ),
        );
        await store.close();
      }),
      { numRuns: 10 },
    );
  });
});
