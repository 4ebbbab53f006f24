import type { Policy } from "@handlebar/protocol";
import { expect } from "vitest";
import type { ContractCase } from "./contract-case.test-support.ts";

const policy = (id: string, reason = "no"): Policy => ({
  id,
  name: id,
  rules: [{ name: "r", on: "tool.before", effect: { type: "block", reason } }],
});
const by = { keyId: "k1", nowMs: 5 };

const SAVED = {
  policyId: "p1",
  comment: undefined,
  madeBy: undefined,
  origin: "saved",
  fromVersion: undefined,
} as const;

export const POLICY_CASES: readonly ContractCase[] = [
  {
    name: "several policies are written in one change, and every version is kept",
    run: async ({ store: { policies, changes }, workspaceId, otherId }) => {
      const writes = ["p2", "p1"].map((policyId) => ({ policyId, policy: policy(policyId) }));
      const first = await policies.write(workspaceId, writes, { ...by, comment: "first" });
      expect(first).toMatchObject({ changed: ["p2", "p1"], revision: 1 });
      expect((await policies.list(workspaceId)).map(({ policyId, version }) => [policyId, version])).toEqual([
        ["p1", 1],
        ["p2", 1],
      ]);
      const next = { policyId: "p1", policy: policy("p1", "never") };
      await policies.write(workspaceId, [next], { keyId: "k2", nowMs: 6 });
      expect(await policies.get(workspaceId, "p1")).toEqual({
        workspaceId,
        policyId: "p1",
        version: 2,
        policy: policy("p1", "never"),
        createdAtMs: 5,
        updatedAtMs: 6,
        updatedBy: "k2",
        deletedAtMs: undefined,
      });
      expect(await policies.version(workspaceId, "p1", 1)).toMatchObject({ version: 1, policy: policy("p1") });
      expect([await policies.version(workspaceId, "p1", 3), await policies.version(otherId, "p1", 1)]).toEqual([
        undefined,
        undefined,
      ]);
      expect(await policies.versions(workspaceId, "p1")).toEqual([
        { ...SAVED, version: 2, policy: next.policy, createdAtMs: 6, createdBy: "k2", revision: 2 },
        { ...SAVED, version: 1, policy: policy("p1"), comment: "first", createdAtMs: 5, createdBy: "k1", revision: 1 },
      ]);
      expect((await changes.since(workspaceId, 0, 10)).map(({ kind, ref }) => [kind, ref])).toEqual([
        ["policies", "*"],
        ["policies", "p1"],
      ]);
      expect(await policies.list(otherId)).toEqual([]);
      expect(await policies.get(otherId, "p1")).toBeUndefined();
    },
  },
  {
    name: "a policy that is as it was gets no version and no change",
    run: async ({ store: { policies, changes }, workspaceId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1") }], by);
      const { rules, name } = policy("p1");
      const reordered: Policy = { rules, name, id: "p1" };
      const again = await policies.write(workspaceId, [{ policyId: "p1", policy: reordered }], { ...by, nowMs: 9 });
      expect(again).toMatchObject({ changed: [], revision: 1, written: [{ version: 1, updatedAtMs: 5 }] });
      expect(await changes.mark(workspaceId)).toEqual({ workspaceId, seq: 1, revision: 1 });
    },
  },
  {
    name: "a version that is not the expected one takes back the whole write",
    run: async ({ store: { policies, changes }, workspaceId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1"), expectedVersion: 0 }], by);
      const conflict = await policies.write(
        workspaceId,
        [
          { policyId: "p2", policy: policy("p2"), expectedVersion: 0 },
          { policyId: "p1", policy: policy("p1", "b"), expectedVersion: 0 },
        ],
        by,
      );
      expect(conflict).toEqual({ conflict: "p1" });
      expect(await policies.get(workspaceId, "p2")).toBeUndefined();
      expect((await changes.mark(workspaceId)).seq).toBe(1);
    },
  },
  {
    name: "of writers that saw the same version, one writes",
    run: async ({ store: { policies }, workspaceId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1") }], by);
      const results = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          policies.write(
            workspaceId,
            [{ policyId: "p1", policy: policy("p1", `reason ${n}`), expectedVersion: 1 }],
            by,
          ),
        ),
      );
      expect(results.filter((result) => "conflict" in result)).toHaveLength(3);
      expect((await policies.get(workspaceId, "p1"))?.version).toBe(2);
    },
  },
  {
    name: "a deleted policy is not listed, keeps its versions and can come back",
    run: async ({ store: { policies }, workspaceId }) => {
      await policies.write(workspaceId, [{ policyId: "p1", policy: policy("p1") }], by);
      await policies.write(workspaceId, [{ policyId: "p1", policy: undefined }], { ...by, nowMs: 7 });
      expect(await policies.list(workspaceId)).toEqual([]);
      expect(await policies.get(workspaceId, "p1")).toMatchObject({ version: 2, deletedAtMs: 7, policy: policy("p1") });
      expect((await policies.versions(workspaceId, "p1")).map((one) => one.policy)).toEqual([undefined, policy("p1")]);
      const nothing = await policies.write(workspaceId, [{ policyId: "p1", policy: undefined }], by);
      expect(nothing).toMatchObject({ changed: [] });
      const back = await policies.write(
        workspaceId,
        [{ policyId: "p1", policy: policy("p1"), expectedVersion: 0 }],
        by,
      );
      expect(back).toMatchObject({ changed: ["p1"], written: [{ version: 3, deletedAtMs: undefined }] });
    },
  },
];
