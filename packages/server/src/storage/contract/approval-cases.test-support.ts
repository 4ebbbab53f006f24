import type { ApprovalRequest } from "@handlebar/protocol";
import { expect } from "vitest";
import type { ApprovalRecord } from "../approvals-table.ts";
import type { ContractCase } from "./contract-case.test-support.ts";

const FINGERPRINT = "a".repeat(64);

const request = (approvalId: string, given: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
  approvalId,
  fingerprint: FINGERPRINT,
  agent: "support",
  runId: "r1",
  callId: "c1",
  tool: "refund",
  ruleId: "rule",
  policyId: "policy",
  ...given,
});

const record = (workspaceId: string, given: ApprovalRequest, requestedAtMs = 1_000): ApprovalRecord => ({
  workspaceId,
  approval: {
    ...given,
    status: "pending",
    requestedAt: new Date(requestedAtMs).toISOString(),
    expiresAt: new Date(requestedAtMs + 60_000).toISOString(),
  },
  votes: [],
  takenBy: undefined,
});

export const APPROVAL_CASES: readonly ContractCase[] = [
  {
    name: "an approval is claimed knowing those of the same call of the run",
    run: async ({ store: { approvals, changes }, workspaceId, otherId }) => {
      const given = request("a1");
      const created = await approvals.claim(workspaceId, given, () => record(workspaceId, given));
      expect(created).toEqual(record(workspaceId, given));
      expect(await approvals.get(workspaceId, "a1")).toEqual(created);
      expect(await approvals.get(otherId, "a1")).toBeUndefined();
      const seen = async (asked: ApprovalRequest) => {
        let known: readonly ApprovalRecord[] = [];
        await approvals.claim(workspaceId, asked, (all) => {
          known = all;
          return all[0] ?? record(workspaceId, asked, 2_000);
        });
        return known.map(({ approval }) => approval.approvalId);
      };
      expect(await seen(request("a2"))).toEqual(["a1"]);
      expect(await seen(request("a3", { runId: "r2" }))).toEqual([]);
      expect(await seen(request("a1", { fingerprint: "b".repeat(64) }))).toEqual(["a1"]);
      expect((await changes.since(workspaceId, 0, 10)).map(({ kind, ref }) => [kind, ref])).toEqual([
        ["approvals", "a1"],
        ["approvals", "a3"],
      ]);
    },
  },
  {
    name: "a claim that refuses writes nothing",
    run: async ({ store: { approvals, changes }, workspaceId }) => {
      const refuse = () => {
        throw new RangeError("no");
      };
      await expect(approvals.claim(workspaceId, request("a1"), refuse)).rejects.toThrow(RangeError);
      expect(await approvals.get(workspaceId, "a1")).toBeUndefined();
      expect((await changes.mark(workspaceId)).seq).toBe(0);
    },
  },
  {
    name: "of those that claim at once, one opens the approval and one takes its use",
    run: async ({ store: { approvals }, workspaceId }) => {
      const ids = ["a1", "a2", "a3", "a4"];
      await Promise.all(
        ids.map((id) =>
          approvals.claim(workspaceId, request(id), (known) => known[0] ?? record(workspaceId, request(id))),
        ),
      );
      const { items } = await approvals.list(workspaceId, {}, { limit: 10 });
      expect(items).toHaveLength(1);
      const take = (id: string) =>
        approvals.claim(workspaceId, request(id), ([known]) => {
          if (known === undefined) throw new Error("it was there");
          return known.takenBy === undefined ? { ...known, takenBy: id } : known;
        });
      const taken = await Promise.all(ids.map(take));
      expect(new Set(taken.map(({ takenBy }) => takenBy)).size).toBe(1);
    },
  },
  {
    name: "an answer is written knowing the whole approval",
    run: async ({ store: { approvals, changes }, workspaceId }) => {
      await approvals.claim(workspaceId, request("a1"), () => record(workspaceId, request("a1")));
      const vote = { by: "ann", status: "approved", comment: undefined, atMs: 5 } as const;
      const votes = await Promise.all(
        ["ann", "bob", "eve"].map((by) =>
          approvals.update(workspaceId, "a1", (known) => ({ ...known, votes: [...known.votes, { ...vote, by }] })),
        ),
      );
      expect(votes.map((one) => one?.votes.length).toSorted()).toEqual([1, 2, 3]);
      expect((await approvals.get(workspaceId, "a1"))?.votes.map(({ by }) => by).toSorted()).toEqual([
        "ann",
        "bob",
        "eve",
      ]);
      const before = await changes.mark(workspaceId);
      expect(await approvals.update(workspaceId, "a1", () => undefined)).toMatchObject({ votes: { length: 3 } });
      expect(await approvals.update(workspaceId, "a9", (known) => known)).toBeUndefined();
      expect(await changes.mark(workspaceId)).toEqual(before);
    },
  },
  {
    name: "approvals are listed newest first, and end when their time has passed",
    run: async ({ store: { approvals }, workspaceId }) => {
      for (const n of [1, 2, 3]) {
        const given = request(`a${n}`, { runId: `r${n}`, agent: n === 3 ? "billing" : "support" });
        await approvals.claim(workspaceId, given, () => record(workspaceId, given, n * 1_000));
      }
      const ids = (items: readonly ApprovalRecord[]) => items.map(({ approval }) => approval.approvalId);
      const first = await approvals.list(workspaceId, {}, { limit: 2 });
      expect(ids(first.items)).toEqual(["a3", "a2"]);
      const second = await approvals.list(workspaceId, {}, { limit: 2, cursor: first.nextCursor });
      expect([ids(second.items), second.nextCursor]).toEqual([["a1"], undefined]);
      expect(ids((await approvals.list(workspaceId, { runId: "r2" }, { limit: 9 })).items)).toEqual(["a2"]);
      expect(ids((await approvals.list(workspaceId, { agent: "billing" }, { limit: 9 })).items)).toEqual(["a3"]);
      expect(await approvals.expire(62_000, 1_000)).toBeGreaterThanOrEqual(2);
      expect(await approvals.expire(62_000, 1_000)).toBe(0);
      expect(ids((await approvals.list(workspaceId, { status: "expired" }, { limit: 9 })).items)).toEqual(["a2", "a1"]);
      expect(ids((await approvals.list(workspaceId, { status: "pending" }, { limit: 9 })).items)).toEqual(["a3"]);
    },
  },
];
