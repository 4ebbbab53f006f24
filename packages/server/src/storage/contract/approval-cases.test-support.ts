import type { ApprovalRequest } from "@handlebar/protocol";
import { expect } from "vitest";
import { CALL_APPROVAL_COUNT_MAX } from "../../limits.ts";
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
    name: "an approval is claimed knowing those of the same call, whichever run asked, and no other",
    run: async ({ store: { approvals, changes }, workspaceId, otherId }) => {
      const given = request("a1");
      const created = await approvals.claim(workspaceId, given, () => ({ record: record(workspaceId, given) }));
      expect(created).toEqual(record(workspaceId, given));
      expect(await approvals.get(workspaceId, "a1")).toEqual(created);
      expect(await approvals.get(otherId, "a1")).toBeUndefined();
      const seen = async (asked: ApprovalRequest) => {
        let known: readonly ApprovalRecord[] = [];
        await approvals.claim(workspaceId, asked, (given) => {
          known = given;
          return { record: known[0] ?? record(workspaceId, asked, 2_000) };
        });
        return known.map(({ approval }) => approval.approvalId);
      };
      expect(await seen(request("a2"))).toEqual(["a1"]);
      expect(await seen(request("a3", { runId: "r2" }))).toEqual(["a1"]);
      const other = "b".repeat(64);
      expect(await seen(request("a1", { fingerprint: other }))).toEqual(["a1"]);
      expect(await seen(request("a3", { fingerprint: other }))).toEqual([]);
      expect(await seen(request("a1", { fingerprint: other }))).toEqual(["a1", "a3"]);
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
          approvals.claim(workspaceId, request(id, { runId: `run of ${id}` }), ([known]) => ({
            record: known ?? record(workspaceId, request(id)),
          })),
        ),
      );
      const { items } = await approvals.list(workspaceId, {}, { limit: 10 });
      expect(items).toHaveLength(1);
      const take = (id: string) =>
        approvals.claim(workspaceId, request(id, { runId: `run of ${id}` }), ([known]) => {
          if (known === undefined) throw new Error("it was there");
          return { record: known.takenBy === undefined ? { ...known, takenBy: id } : known };
        });
      const taken = await Promise.all(ids.map(take));
      expect(new Set(taken.map(({ takenBy }) => takenBy)).size).toBe(1);
    },
  },
  {
    name: "an answer is written knowing the whole approval",
    run: async ({ store: { approvals, changes }, workspaceId }) => {
      await approvals.claim(workspaceId, request("a1"), () => ({ record: record(workspaceId, request("a1")) }));
      const vote = { by: "ann", status: "approved", comment: undefined, atMs: 5 } as const;
      const votes = await Promise.all(
        ["ann", "bob", "eve"].map((by) =>
          approvals.update(workspaceId, "a1", (known) => ({
            record: { ...known, votes: [...known.votes, { ...vote, by }] },
          })),
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
      expect(await approvals.update(workspaceId, "a9", (known) => ({ record: known }))).toBeUndefined();
      expect(await changes.mark(workspaceId)).toEqual(before);
    },
  },
  {
    name: "approvals are listed newest first, and end when their time has passed",
    run: async ({ store: { approvals }, workspaceId }) => {
      for (const n of [1, 2, 3]) {
        const given = request(`a${n}`, { runId: `r${n}`, agent: n === 3 ? "billing" : "support" });
        await approvals.claim(workspaceId, given, () => ({ record: record(workspaceId, given, n * 1_000) }));
      }
      const ids = (items: readonly ApprovalRecord[]) => items.map(({ approval }) => approval.approvalId);
      const first = await approvals.list(workspaceId, {}, { limit: 2 });
      expect(ids(first.items)).toEqual(["a3", "a2"]);
      const second = await approvals.list(workspaceId, {}, { limit: 2, cursor: first.nextCursor });
      expect([ids(second.items), second.nextCursor]).toEqual([["a1"], undefined]);
      expect(ids((await approvals.list(workspaceId, { runId: "r2" }, { limit: 9 })).items)).toEqual(["a2"]);
      expect(ids((await approvals.list(workspaceId, { agent: "billing" }, { limit: 9 })).items)).toEqual(["a3"]);
      const due = async () =>
        (await approvals.due(62_000, 1_000))
          .filter((one) => one.workspaceId === workspaceId)
          .map((one) => one.approvalId);
      expect(await due()).toEqual(["a1", "a2"]);
      for (const id of await due()) {
        await approvals.update(workspaceId, id, (known) => ({
          record: { ...known, approval: { ...known.approval, status: "expired" } },
        }));
      }
      expect(await due()).toEqual([]);
      expect(ids((await approvals.list(workspaceId, { status: "expired" }, { limit: 9 })).items)).toEqual(["a2", "a1"]);
      expect(ids((await approvals.list(workspaceId, { isOpen: true }, { limit: 9 })).items)).toEqual(["a3"]);
      expect(ids((await approvals.list(workspaceId, { isOpen: false }, { limit: 9 })).items)).toEqual(["a2", "a1"]);
    },
  },
  {
    name: "an approval stays open until it was used, whether its run is over or not",
    run: async ({ store: { approvals, runs }, workspaceId }) => {
      const given = request("a1");
      await approvals.claim(workspaceId, given, () => ({ record: record(workspaceId, given) }));
      await approvals.update(workspaceId, "a1", (known) => ({
        record: { ...known, approval: { ...known.approval, status: "approved" } },
      }));
      const open = async () => (await approvals.list(workspaceId, { isOpen: true }, { limit: 9 })).items.length;
      expect(await open()).toBe(1);
      await runs.end(workspaceId, "r1", { agent: "support", status: "success", atMs: 5_000 });
      expect(await open()).toBe(1);
      await approvals.update(workspaceId, "a1", (known) => ({ record: { ...known, takenBy: "a2" } }));
      expect(await open()).toBe(0);
    },
  },
  {
    name: "of a call that was asked for many times, the newest approvals are known, and the one with the request's id",
    run: async ({ store: { approvals }, workspaceId }) => {
      const ids = Array.from({ length: CALL_APPROVAL_COUNT_MAX + 2 }, (_, n) => `a${String(n).padStart(4, "0")}`);
      for (const [n, id] of ids.entries()) {
        const given = request(id);
        await approvals.claim(workspaceId, given, () => ({ record: record(workspaceId, given, n * 1_000) }));
      }
      const known = async (id: string) => {
        let seen: readonly string[] = [];
        await approvals.claim(workspaceId, request(id), (given) => {
          seen = given.map(({ approval }) => approval.approvalId);
          return { record: given[0] ?? record(workspaceId, request(id)) };
        });
        return seen;
      };
      expect(await known("new")).toEqual(ids.slice(2));
      expect(await known("a0000")).toEqual(["a0000", ...ids.slice(2)]);
      expect(await known("a0007")).toEqual(ids.slice(2));
      const page = await approvals.list(workspaceId, { fingerprint: "b".repeat(64) }, { limit: 9 });
      expect(page.items).toEqual([]);
      expect((await approvals.list(workspaceId, { fingerprint: FINGERPRINT }, { limit: 1 })).items).toMatchObject([
        { approval: { approvalId: ids.at(-1) } },
      ]);
    },
  },
  {
    name: "what is told of a change of an approval is written with it, and what comes of it too",
    run: async ({ store: { approvals, audit, webhooks }, workspaceId, otherId }) => {
      const hook = { name: "n", url: "https://a.example", secrets: [], createdAtMs: 1, createdBy: "k" };
      const hooks = [
        { ...hook, workspaceId, webhookId: "w1", types: ["approval.requested"] },
        { ...hook, workspaceId, webhookId: "w2", types: ["other"] },
        { ...hook, workspaceId, webhookId: "w3", types: ["approval.requested"], disabled: "gone" },
        { ...hook, workspaceId: otherId, webhookId: "w4", types: ["approval.requested"] },
      ];
      for (const one of hooks) expect(await webhooks.create(one, 10)).toBe(true);
      const given = request("a1");
      const notice = { type: "approval.requested", messageId: "m1", atMs: 10, giveUpAtMs: 20, data: { n: 1 } };
      const entry = { auditId: "e1", atMs: 10, action: "approval.requested", ref: "a1", keyId: "k", detail: { n: 1 } };
      const opened = record(workspaceId, request("a2"));
      const write = { record: record(workspaceId, given), opened, audit: [entry], notices: [notice] };
      await approvals.claim(workspaceId, given, () => write);
      expect(await approvals.get(workspaceId, "a2")).toEqual(opened);
      expect((await audit.list(workspaceId, {}, { limit: 9 })).items).toEqual([entry]);
      expect((await audit.list(otherId, {}, { limit: 9 })).items).toEqual([]);
      const messages = async (workspace: string, webhookId: string) =>
        (await webhooks.deliveries({ workspaceId: workspace, webhookId }, {}, { limit: 9 })).items.length;
      expect(await Promise.all(hooks.map((one) => messages(one.workspaceId, one.webhookId)))).toEqual([1, 0, 0, 0]);
      await expect(approvals.claim(workspaceId, request("a3"), () => write)).rejects.toThrow(/./);
      expect(await approvals.get(workspaceId, "a3")).toBeUndefined();
      expect((await audit.list(workspaceId, {}, { limit: 9 })).items.length).toBe(1);
    },
  },
];
