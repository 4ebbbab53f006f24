import { expect } from "vitest";
import type { AuditEntry, AuditFilter } from "../audit-table.ts";
import type { KeyRecord } from "../keys-table.ts";
import type { WebhookRecord } from "../webhooks-table.ts";
import { type ContractCase, DAY_MS, eventIdAt } from "./contract-case.test-support.ts";

const ALL = { limit: 100 };

const entry = (n: number, action: string, more: Partial<AuditEntry> = {}): AuditEntry => {
  const atMs = DAY_MS + n * 1_000;
  return { auditId: eventIdAt(atMs, n), atMs, action, ref: `ref-${n}`, detail: { n }, ...more };
};

const key = (workspaceId: string, name: string): KeyRecord => ({
  workspaceId,
  keyId: `${workspaceId}-${name}`,
  name,
  secretHash: "0".repeat(64),
  scopes: ["read"],
  createdAtMs: 1,
  expiresAtMs: undefined,
  lastUsedAtMs: undefined,
  revokedAtMs: undefined,
  replacedBy: undefined,
});

export const AUDIT_CASES: readonly ContractCase[] = [
  {
    name: "the log is found by what was done, to what, by whom and when",
    run: async ({ store: { keys, audit }, workspaceId, otherId }) => {
      const entries = [
        entry(1, "policy.created", { keyId: "k1", person: "ann" }),
        entry(2, "policy.updated", { keyId: "k1", ref: "p" }),
        entry(3, "policyx.odd", { keyId: "k2" }),
        entry(4, "policy.created", { ref: "p" }),
      ];
      for (const [at, one] of entries.entries()) await keys.create(key(workspaceId, `n${at}`), one);
      const found = async (filter: AuditFilter, workspace = workspaceId): Promise<readonly unknown[]> =>
        (await audit.list(workspace, filter, ALL)).items.map(({ detail }) => detail["n"]);
      expect((await audit.list(workspaceId, {}, ALL)).items).toEqual([...entries].reverse());
      expect(await found({}, otherId)).toEqual([]);
      expect(await found({ action: "policy." })).toEqual([4, 2, 1]);
      expect(await found({ action: "policy.created" })).toEqual([4, 1]);
      expect(await found({ ref: "p" })).toEqual([4, 2]);
      expect(await found({ keyId: "k1" })).toEqual([2, 1]);
      expect(await found({ person: "ann" })).toEqual([1]);
      expect(await found({ sinceMs: DAY_MS + 2_000, untilMs: DAY_MS + 4_000 })).toEqual([3, 2]);
      expect(await found({ sinceMs: DAY_MS + 4_001 })).toEqual([]);
      const first = await audit.list(workspaceId, { action: "policy." }, { limit: 2 });
      const second = await audit.list(workspaceId, { action: "policy." }, { limit: 2, cursor: first.nextCursor });
      expect([first.items, second.items].map((items) => items.map(({ atMs }) => (atMs - DAY_MS) / 1_000))).toEqual([
        [4, 2],
        [1],
      ]);
      expect(second.nextCursor).toBeUndefined();
    },
  },
  {
    name: "what is told of a change is written with it or not at all, and of nothing where nothing changed",
    run: async ({ store: { policies, keys, lockdowns, webhooks, audit }, workspaceId }) => {
      let n = 0;
      const told: unknown[] = [];
      const tell = (before: unknown, after: unknown): AuditEntry => {
        told.push([before !== undefined, after !== undefined]);
        n += 1;
        return entry(n, "thing.done");
      };
      const count = async (): Promise<number> => (await audit.list(workspaceId, {}, ALL)).items.length;
      const policy = { id: "p", name: "p", rules: [] };
      const by = { keyId: "k", nowMs: 1, tell };
      await policies.write(workspaceId, [{ policyId: "p", policy }], by);
      await policies.write(workspaceId, [{ policyId: "p", policy }], by);
      await policies.write(workspaceId, [{ policyId: "p", policy: undefined, expectedVersion: 9 }], by);
      const both = [
        { policyId: "q", policy: { ...policy, id: "q" } },
        { policyId: "p", policy: undefined, expectedVersion: 9 },
      ];
      expect(await policies.write(workspaceId, both, by)).toEqual({ conflict: "p" });
      expect(await count()).toBe(1);
      expect(told.splice(0)[0]).toEqual([false, true]);
      await policies.write(workspaceId, [{ policyId: "p", policy: undefined }], by);
      expect([await count(), told.splice(0)]).toEqual([2, [[true, true]]]);

      const [one, two] = [key(workspaceId, "one"), key(workspaceId, "two")];
      await keys.create(one, tell(undefined, one));
      await expect(keys.create(one, tell(undefined, one))).rejects.toThrow();
      await expect(keys.replace(workspaceId, one.keyId, { by: one, tell })).rejects.toThrow();
      await keys.replace(workspaceId, one.keyId, { revokedAtMs: 5, by: two, tell });
      await keys.end(workspaceId, "nothing", { revokedAtMs: 5, tell });
      await keys.end(workspaceId, two.keyId, { revokedAtMs: 5, tell: () => undefined });
      expect(await count()).toBe(4);

      const lockdown = { lockdownId: "l", scope: { kind: "workspace" as const }, until: "1970-01-01T00:00:00.100Z" };
      const order = { workspaceId, lockdown, createdAtMs: 1, createdBy: "k" };
      await lockdowns.create(order, tell);
      await lockdowns.create(order, tell);
      expect(await count()).toBe(5);
      await lockdowns.liftExpired(100, (before, after) =>
        after?.workspaceId === workspaceId ? tell(before, after) : undefined,
      );
      await lockdowns.lift(workspaceId, "l", { keyId: "k", nowMs: 200, tell });
      expect(await count()).toBe(6);

      const hook: WebhookRecord = {
        ...{ workspaceId, webhookId: "w", name: "n", url: "https://a.example", types: [], secrets: [] },
        ...{ createdAtMs: 1, createdBy: "k" },
      };
      expect(await webhooks.create(hook, 1, tell(undefined, hook))).toBe(true);
      expect(await webhooks.create({ ...hook, webhookId: "w2" }, 1, tell(undefined, hook))).toBe(false);
      await webhooks.update(workspaceId, "w", (webhook) => ({ webhook, entry: tell(webhook, webhook) }));
      await webhooks.update(workspaceId, "w2", (webhook) => ({ webhook, entry: tell(webhook, webhook) }));
      await webhooks.delete(workspaceId, "w2", tell);
      expect(await count()).toBe(8);
      await webhooks.delete(workspaceId, "w", tell);
      expect(await count()).toBe(9);
    },
  },
];
