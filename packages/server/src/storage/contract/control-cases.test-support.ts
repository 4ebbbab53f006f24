import { expect } from "vitest";
import type { KeyRecord } from "../keys-table.ts";
import type { ContractCase } from "./contract-case.test-support.ts";

const key = (workspaceId: string, keyId: string): KeyRecord => ({
  workspaceId,
  keyId,
  name: "agent",
  secretHash: "0".repeat(64),
  scopes: ["check", "events:write"],
  createdAtMs: 1,
  expiresAtMs: undefined,
  lastUsedAtMs: undefined,
  revokedAtMs: undefined,
  replacedBy: undefined,
});

const lockdown = (lockdownId: string, until?: string) => ({
  lockdownId,
  scope: { kind: "agent", slug: "support" } as const,
  ...(until === undefined ? {} : { until }),
});

export const CONTROL_CASES: readonly ContractCase[] = [
  {
    name: "a workspace is created once",
    run: async ({ store: { workspaces, changes }, workspaceId }) => {
      const workspace = { workspaceId: `${workspaceId}-new`, name: "New", createdAtMs: 7 };
      expect(await workspaces.create(workspace)).toBe(true);
      expect(await workspaces.create({ ...workspace, name: "Other" })).toBe(false);
      expect(await workspaces.get(workspace.workspaceId)).toEqual(workspace);
      expect(await workspaces.get("nowhere")).toBeUndefined();
      expect((await workspaces.list()).filter((one) => one.workspaceId === workspace.workspaceId)).toEqual([workspace]);
      expect(await changes.mark(workspace.workspaceId)).toEqual({
        workspaceId: workspace.workspaceId,
        seq: 0,
        revision: 0,
      });
    },
  },
  {
    name: "changes are numbered in order, and only some change the state's revision",
    run: async ({ store: { changes }, workspaceId, otherId }) => {
      const hints: string[] = [];
      const stop = changes.listen((id) => hints.push(id));
      const kinds = ["policies", "keys", "lockdowns", "leases", "agents", "approvals", "tools"] as const;
      await Promise.all(kinds.map((kind) => changes.append(workspaceId, kind, `ref of ${kind}`)));
      const known = await changes.since(workspaceId, 0, 100);
      expect(known.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(new Set(known.map(({ kind }) => kind))).toEqual(new Set(kinds));
      const steps = known.map(({ revision }, at) => revision - (known[at - 1]?.revision ?? 0));
      const isState = known.map(({ kind }) => (["policies", "lockdowns", "agents"].includes(kind) ? 1 : 0));
      expect(steps).toEqual(isState);
      expect(await changes.mark(workspaceId)).toEqual({ workspaceId, seq: 7, revision: 3 });
      expect((await changes.since(workspaceId, 5, 1)).map(({ seq }) => seq)).toEqual([6]);
      expect(await changes.mark(otherId)).toEqual({ workspaceId: otherId, seq: 0, revision: 0 });
      await expect.poll(() => hints.includes(workspaceId)).toBe(true);
      stop();
      await changes.prune(Number.MAX_SAFE_INTEGER);
      expect(await changes.since(workspaceId, 0, 10)).toEqual([]);
      expect((await changes.append(workspaceId, "keys", "k")).seq).toBe(8);
      await expect(changes.append("nowhere", "keys", "k")).rejects.toThrow("nowhere");
    },
  },
  {
    name: "a key is found by its public part, and ends once",
    run: async ({ store: { keys }, workspaceId, otherId }) => {
      const one = key(workspaceId, `${workspaceId}-1`);
      const two = key(workspaceId, `${workspaceId}-2`);
      await keys.create(one);
      await keys.create({ ...two, expiresAtMs: 100 });
      await expect(keys.create(one)).rejects.toThrow();
      expect(await keys.find(one.keyId)).toEqual(one);
      expect(await keys.find("nothing")).toBeUndefined();
      expect((await keys.list(workspaceId)).map(({ keyId }) => keyId)).toEqual([one.keyId, two.keyId]);
      expect(await keys.list(otherId)).toEqual([]);
      const three = key(workspaceId, `${workspaceId}-3`);
      expect(await keys.replace(workspaceId, two.keyId, { expiresAtMs: 200, by: three })).toBe(true);
      expect(await keys.find(two.keyId)).toEqual({ ...two, expiresAtMs: 100, replacedBy: three.keyId });
      expect(await keys.find(three.keyId)).toEqual(three);
      const four = key(workspaceId, `${workspaceId}-4`);
      expect(await keys.replace(otherId, two.keyId, { by: four })).toBe(false);
      await expect(keys.replace(workspaceId, one.keyId, { revokedAtMs: 1, by: three })).rejects.toThrow();
      expect([await keys.find(four.keyId), await keys.find(one.keyId)]).toEqual([undefined, one]);
      expect(await keys.end(workspaceId, one.keyId, { revokedAtMs: 50 })).toBe(true);
      expect(await keys.end(workspaceId, one.keyId, { revokedAtMs: 60 })).toBe(true);
      expect((await keys.find(one.keyId))?.revokedAtMs).toBe(50);
      expect(await keys.end(otherId, one.keyId, { revokedAtMs: 1 })).toBe(false);
      await keys.touch([
        { workspaceId, keyId: one.keyId, atMs: 70 },
        { workspaceId: otherId, keyId: two.keyId, atMs: 70 },
      ]);
      await keys.touch([{ workspaceId, keyId: one.keyId, atMs: 65 }]);
      expect((await keys.list(workspaceId)).map(({ lastUsedAtMs }) => lastUsedAtMs)).toEqual([
        70,
        undefined,
        undefined,
      ]);
    },
  },
  {
    name: "a lockdown is in force until it is lifted or its time has passed",
    run: async ({ store: { lockdowns, changes }, workspaceId, otherId }) => {
      const given = { workspaceId, createdAtMs: 5, createdBy: "k1" };
      const first = await lockdowns.create({ ...given, lockdown: lockdown("l1") });
      expect(first).toEqual({
        ...given,
        lockdown: lockdown("l1"),
        revision: 1,
        liftedAtMs: undefined,
        liftedBy: undefined,
      });
      expect(await lockdowns.create({ ...given, createdAtMs: 6, lockdown: lockdown("l1") })).toEqual(first);
      await lockdowns.create({ ...given, createdAtMs: 7, lockdown: lockdown("l2", "1970-01-01T00:00:00.100Z") });
      const ids = async (nowMs: number) =>
        (await lockdowns.inForce(workspaceId, nowMs)).map((one) => one.lockdown.lockdownId);
      expect(await ids(99)).toEqual(["l1", "l2"]);
      expect(await ids(100)).toEqual(["l1"]);
      expect(await lockdowns.inForce(otherId, 0)).toEqual([]);
      expect(await lockdowns.liftExpired(100)).toBeGreaterThanOrEqual(1);
      expect(await lockdowns.liftExpired(100)).toBe(0);
      expect(await lockdowns.get(workspaceId, "l2")).toMatchObject({ liftedAtMs: 100, liftedBy: "until" });
      expect(await lockdowns.lift(otherId, "l1", { keyId: "k2", nowMs: 110 })).toBeUndefined();
      expect(await lockdowns.lift(workspaceId, "l1", { keyId: "k2", nowMs: 110 })).toMatchObject({ liftedBy: "k2" });
      expect(await lockdowns.lift(workspaceId, "l1", { keyId: "k3", nowMs: 120 })).toBeUndefined();
      expect(await ids(0)).toEqual([]);
      expect((await lockdowns.list(workspaceId, 1)).map((one) => one.lockdown.lockdownId)).toEqual(["l2"]);
      expect((await changes.since(workspaceId, 0, 10)).map(({ ref, revision }) => [ref, revision])).toEqual([
        ["l1", 1],
        ["l2", 2],
        ["l2", 3],
        ["l1", 4],
      ]);
    },
  },
  {
    name: "one holder has a job until it releases it",
    run: async ({ store: { jobs }, workspaceId }) => {
      const job = `job of ${workspaceId}`;
      const held = await Promise.all(["a", "b", "c"].map((holder) => jobs.tryLease(job, holder, 60_000)));
      expect(held.filter(Boolean)).toHaveLength(1);
      const holder = ["a", "b", "c"][held.indexOf(true)] ?? "";
      expect(await jobs.tryLease(job, holder, 60_000)).toBe(true);
      await jobs.release(job, "another");
      expect(await jobs.tryLease(job, "d", 60_000)).toBe(false);
      await jobs.release(job, holder);
      expect(await jobs.tryLease(job, "d", 60_000)).toBe(true);
    },
  },
  {
    name: "a job whose holder is late goes to another",
    needsClock: true,
    run: async ({ store: { jobs }, workspaceId, clock }) => {
      const job = `job of ${workspaceId}`;
      expect(await jobs.tryLease(job, "a", 1_000)).toBe(true);
      clock?.advance(999);
      expect(await jobs.tryLease(job, "b", 1_000)).toBe(false);
      clock?.advance(1);
      expect(await jobs.tryLease(job, "b", 1_000)).toBe(true);
      expect(await jobs.tryLease(job, "a", 1_000)).toBe(false);
    },
  },
];
