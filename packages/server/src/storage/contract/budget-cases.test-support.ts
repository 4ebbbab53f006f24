import { expect } from "vitest";
import type { BudgetLimit, BudgetOperation } from "../budgets-table.ts";
import type { ContractCase } from "./contract-case.test-support.ts";

const TTL_MS = 30_000;
const limit: BudgetLimit = { amount: 10, windowMs: 60_000, isWhole: true };
const key = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" } as const;

/** An operation on a budget of ten calls a minute. */
const op = (kind: BudgetOperation["op"], leaseId: string, given: Partial<BudgetOperation> = {}): BudgetOperation => ({
  op: kind,
  leaseId,
  clientId: "c1",
  key,
  keyText: "k1",
  limit,
  amount: 0,
  spent: 0,
  ...given,
});

export const BUDGET_CASES: readonly ContractCase[] = [
  {
    name: "leases share out a budget, and never more than it",
    run: async ({ store: { budgets }, workspaceId, otherId }) => {
      const asked = Array.from({ length: 8 }, (_, n) =>
        budgets.apply(workspaceId, [op("request", `l${n}`, { amount: 3 })], TTL_MS),
      );
      const granted = (await Promise.all(asked)).map(([result]) => result?.granted ?? 0);
      expect(granted.toSorted()).toEqual([0, 0, 0, 0, 1, 3, 3, 3]);
      const [first] = await budgets.apply(workspaceId, [op("request", "l0", { amount: 3 })], TTL_MS);
      expect(first?.granted).toBe(granted[0]);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit }])).toEqual([{ used: 10, resetAtMs: undefined }]);
      expect(await budgets.read(otherId, [{ keyText: "k1", limit }])).toEqual([{ used: 0, resetAtMs: undefined }]);
      const leases = await budgets.leases(workspaceId, { keyText: "k1" });
      expect(leases).toHaveLength(8);
      expect(leases[0]).toMatchObject({ leaseId: "l0", clientId: "c1", key, spent: 0, status: "open" });
      expect(await budgets.leases(workspaceId, { clientId: "c2" })).toEqual([]);
    },
  },
  {
    name: "a lease that says what it needs gets a fair share, and nothing that is of no use",
    run: async ({ store: { budgets }, workspaceId }) => {
      const wide = { ...limit, amount: 1_000 };
      const ask = async (leaseId: string, least: number, given: Partial<BudgetOperation> = {}) => {
        const operation = op("request", leaseId, { amount: 500, least, limit: wide, clientId: leaseId, ...given });
        return (await budgets.apply(workspaceId, [operation], TTL_MS))[0];
      };
      // One lease has a hundredth at most, more where a call needs it.
      expect(await ask("l1", 1)).toMatchObject({ granted: 10, remaining: 990, missing: 0, heldByOthers: 0 });
      expect(await ask("l2", 985)).toMatchObject({ granted: 985, remaining: 5, missing: 0, heldByOthers: 10 });
      // Of five that are left a third one has its part, and a fourth one that needs more than there is has none.
      expect(await ask("l3", 1)).toMatchObject({ granted: 1, remaining: 4 });
      expect(await ask("l4", 6)).toMatchObject({ granted: 0, remaining: 4, missing: 6, heldByOthers: 996 });
      // What it has is not taken from it, and is not granted twice.
      expect(await ask("l2", 1)).toMatchObject({ granted: 985, remaining: 4 });
      const open = await budgets.leases(workspaceId, { keyText: "k1", isOpen: true });
      expect(open.map(({ leaseId }) => leaseId)).toEqual(["l1", "l2", "l3", "l4"]);
      await budgets.apply(workspaceId, [op("return", "l2", { spent: 900, limit: wide })], TTL_MS);
      expect(await budgets.leases(workspaceId, { keyText: "k1", isOpen: true })).toHaveLength(3);
      expect(await ask("l4", 6)).toMatchObject({ granted: 10, remaining: 79, missing: 0, heldByOthers: 11 });
    },
  },
  {
    name: "what comes back can be granted again, what was spent cannot",
    run: async ({ store: { budgets }, workspaceId }) => {
      const results = await budgets.apply(
        workspaceId,
        [
          op("request", "l1", { amount: 8 }),
          op("request", "l2", { amount: 8 }),
          op("settle", "l1", { spent: 3 }),
          op("return", "l1", { spent: 4 }),
          op("renew", "l2", { spent: 1, amount: 9 }),
          op("return", "l1", { spent: 4 }),
          op("renew", "l1", { spent: 4, amount: 5 }),
        ],
        TTL_MS,
      );
      expect(results.map(({ granted, remaining }) => [granted, remaining])).toEqual([
        [8, 2],
        [2, 0],
        [8, 0],
        [4, 4],
        [6, 0],
        [4, 0],
        [4, 0],
      ]);
      const late = await budgets.apply(
        workspaceId,
        [op("return", "l2", { spent: 1 }), op("renew", "l1", { spent: 4, amount: 5 })],
        TTL_MS,
      );
      expect(late.map(({ granted, remaining }) => [granted, remaining])).toEqual([
        [1, 5],
        [4, 5],
      ]);
      await budgets.apply(workspaceId, [op("spend", "s1", { amount: 5 })], TTL_MS);
      const again = await budgets.apply(workspaceId, [op("renew", "l1", { spent: 4, amount: 5 })], TTL_MS);
      expect(again[0]).toMatchObject({ granted: 4, remaining: 0 });
      const [read] = await budgets.read(workspaceId, [{ keyText: "k1", limit }]);
      expect(read?.used).toBe(10);
      expect(again[0]?.resetAtMs).toBe(read?.resetAtMs);
    },
  },
  {
    name: "what is said to be spent counts even beyond the limit, and leases that are not known are believed",
    run: async ({ store: { budgets }, workspaceId }) => {
      const results = await budgets.apply(
        workspaceId,
        [
          op("settle", "unknown", { spent: 7 }),
          op("renew", "lost", { spent: 6, amount: 2 }),
          op("request", "more", { amount: 1 }),
        ],
        TTL_MS,
      );
      expect(results.map(({ granted, remaining }) => [granted, remaining])).toEqual([
        [7, 3],
        [6, -3],
        [0, -3],
      ]);
    },
  },
  {
    name: "the server's own spending is all or nothing, and once",
    run: async ({ store: { budgets }, workspaceId }) => {
      const results = await budgets.apply(
        workspaceId,
        [
          op("spend", "s1", { amount: 6 }),
          op("spend", "s2", { amount: 5 }),
          op("spend", "s1", { amount: 6 }),
          op("spend", "s3", { amount: 4 }),
          op("request", "l1", { amount: 1 }),
        ],
        TTL_MS,
      );
      expect(results.map(({ granted, remaining }) => [granted, remaining])).toEqual([
        [6, 4],
        [0, 4],
        [6, 4],
        [4, 0],
        [0, 0],
      ]);
    },
  },
  {
    name: "budgets of one request are apart, and amounts need not be whole",
    run: async ({ store: { budgets }, workspaceId }) => {
      const money = { limit: { amount: 1, windowMs: 60_000, isWhole: false }, keyText: "k2" };
      const results = await budgets.apply(
        workspaceId,
        [
          op("request", "l1", { amount: 2.5 }),
          op("request", "l1", { ...money, amount: 0.25 }),
          op("request", "l2", { ...money, amount: 2 }),
        ],
        TTL_MS,
      );
      expect(results.map(({ granted, remaining }) => [granted, remaining])).toEqual([
        [2, 8],
        [0.25, 0.75],
        [0.75, 0],
      ]);
    },
  },
  {
    name: "what was spent counts until the window has passed it, to the millisecond",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      const startMs = clock.nowMs();
      await budgets.apply(workspaceId, [op("spend", "s1", { amount: 4 })], TTL_MS);
      clock.advance(1);
      await budgets.apply(workspaceId, [op("spend", "s2", { amount: 6 })], TTL_MS);
      const [full] = await budgets.apply(workspaceId, [op("spend", "s3", { amount: 1 })], TTL_MS);
      expect(full).toMatchObject({ granted: 0, remaining: 0, resetAtMs: startMs + 60_000 });
      clock.advance(59_998);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit }])).toMatchObject([{ used: 10 }]);
      clock.advance(1);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit }])).toEqual([
        { used: 6, resetAtMs: startMs + 60_001 },
      ]);
      const [next] = await budgets.apply(workspaceId, [op("spend", "s4", { amount: 4 })], TTL_MS);
      expect(next).toMatchObject({ granted: 4, remaining: 0 });
    },
  },
  {
    name: "a lease that runs out counts as spent until its client says otherwise",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      await budgets.apply(workspaceId, [op("request", "l1", { amount: 8 })], TTL_MS);
      clock.advance(TTL_MS);
      expect(await budgets.leases(workspaceId)).toMatchObject([{ status: "expired" }]);
      const [other] = await budgets.apply(workspaceId, [op("request", "l2", { amount: 8 })], TTL_MS);
      expect(other).toMatchObject({ granted: 2, remaining: 0 });
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit }])).toMatchObject([{ used: 10 }]);
      const [settled] = await budgets.apply(workspaceId, [op("settle", "l1", { spent: 5 })], TTL_MS);
      expect(settled).toMatchObject({ granted: 8, remaining: 0 });
      const [returned] = await budgets.apply(workspaceId, [op("return", "l1", { spent: 5 })], TTL_MS);
      expect(returned).toMatchObject({ granted: 5, remaining: 3 });
      clock.advance(59_999);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit }])).toMatchObject([{ used: 7 }]);
    },
  },
  {
    name: "a lease lasts until its time has passed, to the millisecond, and each renewal gives it that much more",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      const stateOf = async (leaseId: string) =>
        (await budgets.leases(workspaceId)).find((lease) => lease.leaseId === leaseId)?.status;
      await budgets.apply(
        workspaceId,
        [op("request", "l1", { amount: 4 }), op("request", "l2", { amount: 2 })],
        TTL_MS,
      );
      clock.advance(TTL_MS - 1);
      // Whatever is done with a budget notes what has run out of it.
      await budgets.apply(workspaceId, [op("settle", "l1", { spent: 1 }), op("renew", "l2", { amount: 2 })], TTL_MS);
      expect([await stateOf("l1"), await stateOf("l2")]).toEqual(["open", "open"]);
      clock.advance(1);
      await budgets.apply(workspaceId, [op("spend", "s1", { amount: 1 })], TTL_MS);
      expect([await stateOf("l1"), await stateOf("l2")]).toEqual(["expired", "open"]);
      clock.advance(TTL_MS - 2);
      expect(await stateOf("l2")).toBe("open");
      clock.advance(1);
      expect(await stateOf("l2")).toBe("expired");
    },
  },
  {
    name: "what a lease that ran out may have spent counts from its end, whether that was noted or not",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      const other = { keyText: "k2", key: { ...key, ruleId: "other" } };
      const asked = [op("request", "l1", { amount: 8 }), op("request", "l2", { amount: 8, ...other })];
      await budgets.apply(workspaceId, asked, TTL_MS);
      const used = async () =>
        (
          await budgets.read(workspaceId, [
            { keyText: "k1", limit },
            { keyText: "k2", limit },
          ])
        ).map((read) => read.used);
      clock.advance(TTL_MS + 10_000);
      await budgets.apply(workspaceId, [op("spend", "s1", { amount: 1 })], TTL_MS);
      expect(await used()).toEqual([9, 8]);
      clock.advance(49_999);
      expect(await used()).toEqual([9, 8]);
      clock.advance(1);
      expect(await used()).toEqual([1, 0]);
    },
  },
  {
    name: "a client that is late keeps what it had, unless its time has left the window and others have it",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      await budgets.apply(workspaceId, [op("request", "l1", { amount: 8 })], TTL_MS);
      clock.advance(TTL_MS + 1);
      const [kept] = await budgets.apply(workspaceId, [op("renew", "l1", { spent: 2, amount: 7 })], TTL_MS);
      expect(kept).toMatchObject({ granted: 9, remaining: 1 });
      clock.advance(TTL_MS + 60_000);
      const [taken] = await budgets.apply(workspaceId, [op("request", "l2", { amount: 9 })], TTL_MS);
      expect(taken).toMatchObject({ granted: 9, remaining: 1 });
      const [late] = await budgets.apply(workspaceId, [op("renew", "l1", { spent: 2, amount: 0 })], TTL_MS);
      expect(late).toMatchObject({ granted: 3, remaining: 0 });
    },
  },
  {
    name: "a request whose answer was lost is granted anew once its lease ran out",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      await budgets.apply(workspaceId, [op("request", "l1", { amount: 6 })], TTL_MS);
      clock.advance(TTL_MS + 1);
      const [soon] = await budgets.apply(workspaceId, [op("request", "l1", { amount: 2 })], TTL_MS);
      expect(soon).toMatchObject({ granted: 2, remaining: 8 });
      clock.advance(TTL_MS + 60_000);
      await budgets.apply(workspaceId, [op("spend", "s1", { amount: 9 })], TTL_MS);
      const [again] = await budgets.apply(workspaceId, [op("request", "l1", { amount: 6 })], TTL_MS);
      expect(again).toMatchObject({ granted: 1, remaining: 0 });
    },
  },
  {
    name: "very many entries are put together without ceasing to count early",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      const wide = { limit: { amount: 2_000, windowMs: 60_000, isWhole: true } };
      for (let n = 0; n < 800; n += 1) {
        await budgets.apply(workspaceId, [op("spend", `s${n}`, { ...wide, amount: 1 })], TTL_MS);
        clock.advance(10);
      }
      const used = async () => (await budgets.read(workspaceId, [{ keyText: "k1", ...wide }]))[0]?.used ?? 0;
      expect(await used()).toBe(800);
      clock.advance(60_000 - 8_000);
      for (let left = 800; left > 0; left -= 100) {
        const now = await used();
        expect(now).toBeGreaterThanOrEqual(left - 1);
        expect(now).toBeLessThanOrEqual(left + 60);
        clock.advance(1_000);
      }
      clock.advance(1_000);
      expect(await used()).toBe(0);
    },
  },
  {
    name: "what lies before every window is forgotten, and leases that are done soon",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      await budgets.apply(
        workspaceId,
        [op("spend", "s1", { amount: 2 }), op("request", "l1", { amount: 3 }), op("request", "l2", { amount: 1 })],
        TTL_MS,
      );
      const wide = { ...limit, windowMs: 86_400_000 };
      clock.advance(3_600_000 + TTL_MS + 1);
      await budgets.prune(clock.nowMs() - 86_400_000);
      expect((await budgets.leases(workspaceId)).map(({ leaseId }) => leaseId)).toEqual(["l1", "l2"]);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit: wide }])).toMatchObject([{ used: 6 }]);
      await budgets.apply(workspaceId, [op("return", "l1", { spent: 3, limit: wide })], TTL_MS);
      await budgets.prune(clock.nowMs() - 86_400_000);
      expect(await budgets.leases(workspaceId)).toEqual([]);
      expect(await budgets.read(workspaceId, [{ keyText: "k1", limit: wide }])).toMatchObject([{ used: 6 }]);
      clock.advance(86_400_000);
      expect(await budgets.prune(clock.nowMs())).toBeGreaterThanOrEqual(3);
      const [read] = await budgets.read(workspaceId, [{ keyText: "k1", limit: { ...limit, windowMs: 864_000_000 } }]);
      expect(read).toEqual({ used: 0, resetAtMs: undefined });
    },
  },
  {
    name: "what has left its window is put together, and still counts for a longer one",
    needsClock: true,
    run: async ({ store: { budgets }, workspaceId, clock }) => {
      if (clock === undefined) throw new Error("needs a clock");
      clock.advance(3_600_000 - (clock.nowMs() % 3_600_000));
      for (let n = 0; n < 20; n += 1) {
        await budgets.apply(workspaceId, [op("spend", `s${n}`, { amount: 1 })], TTL_MS);
        clock.advance(60_000 * 6);
      }
      clock.advance(3_600_000);
      await budgets.prune(0);
      const used = async (windowMs: number) =>
        (await budgets.read(workspaceId, [{ keyText: "k1", limit: { ...limit, windowMs } }]))[0]?.used;
      expect(await used(86_400_000)).toBe(20);
      expect([await used(7_200_000 + 360_000), await used(7_200_000 + 360_001)]).toEqual([10, 20]);
    },
  },
];
