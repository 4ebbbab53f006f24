import { expect } from "vitest";
import type { Notice, WebhookRecord } from "../webhooks-table.ts";
import type { ContractCase } from "./contract-case.test-support.ts";

const notice = (messageId: string, atMs = 10): Notice => ({
  messageId,
  type: "approval.requested",
  atMs,
  giveUpAtMs: 1_000,
  data: { n: messageId },
});

const webhook = (workspaceId: string, webhookId: string): WebhookRecord => ({
  workspaceId,
  webhookId,
  name: webhookId,
  url: "https://hooks.example",
  types: ["approval.requested"],
  secrets: [{ secret: "whsec_AA==", createdAtMs: 1 }],
  createdAtMs: 1,
  createdBy: "key",
});

const take = { leaseMs: 100, except: new Set<string>(), webhookCountMax: 1_000, perWebhookCountMax: 2 };

export const WEBHOOK_CASES: readonly ContractCase[] = [
  {
    name: "webhooks are created within a bound, changed under a lock, and deleted with their messages",
    run: async ({ store: { webhooks }, workspaceId, otherId }) => {
      const ids = ["h1", "h2", "h3"];
      const made = await Promise.all(ids.map((id) => webhooks.create(webhook(workspaceId, id), 2)));
      expect(made.filter((one) => one).length).toBe(2);
      const [first] = await webhooks.list(workspaceId);
      if (first === undefined) throw new Error("there are two");
      expect(await webhooks.get(workspaceId, first.webhookId)).toEqual(first);
      expect([await webhooks.list(otherId), await webhooks.get(otherId, first.webhookId)]).toEqual([[], undefined]);
      const add = (secret: string) =>
        webhooks.update(workspaceId, first.webhookId, (known) => ({
          webhook: { ...known, secrets: [{ secret, createdAtMs: 2 }, ...known.secrets] },
        }));
      await Promise.all(["a", "b", "c"].map(add));
      expect((await webhooks.get(workspaceId, first.webhookId))?.secrets.length).toBe(4);
      expect(await webhooks.update(otherId, first.webhookId, (webhook) => ({ webhook }))).toBeUndefined();
      await webhooks.enqueue(first, notice("m1"));
      expect(await webhooks.delete(otherId, first.webhookId)).toBe(false);
      expect(await webhooks.delete(workspaceId, first.webhookId)).toBe(true);
      expect(await webhooks.delivery({ ...first, messageId: "m1" })).toBeUndefined();
    },
  },
  {
    name: "messages that are due are taken by one of many, a few of each webhook, and again after their lease",
    run: async ({ store: { webhooks }, workspaceId }) => {
      const hooks = [webhook(workspaceId, "h1"), webhook(workspaceId, "h2")];
      for (const hook of hooks) {
        await webhooks.create(hook, 10);
        for (const id of ["m1", "m2", "m3"]) await webhooks.enqueue(hook, notice(id));
        await webhooks.enqueue(hook, notice("later", 5_000));
      }
      const mine = async (nowMs: number, except: ReadonlySet<string> = new Set()) =>
        (await webhooks.takeDue({ ...take, nowMs, except }))
          .filter((one) => one.workspaceId === workspaceId)
          .map(({ webhookId, messageId }) => `${webhookId} ${messageId}`);
      expect(await mine(9)).toEqual([]);
      expect((await mine(10, new Set(["h2"]))).toSorted()).toEqual(["h1 m1", "h1 m2"]);
      const rest = (await Promise.all([1, 2, 3].map(() => mine(10)))).flat();
      expect(rest.toSorted()).toEqual(["h1 m3", "h2 m1", "h2 m2", "h2 m3"]);
      expect(await mine(109)).toEqual([]);
      expect((await mine(110)).length).toBe(4);
    },
  },
  {
    name: "what became of a message is written, seen and kept for a while",
    run: async ({ store: { webhooks }, workspaceId }) => {
      const hook = webhook(workspaceId, "h1");
      await webhooks.create(hook, 10);
      for (const [at, id] of ["m1", "m2", "m3"].entries()) await webhooks.enqueue(hook, notice(id, at));
      const key = { ...hook, messageId: "m1" };
      const end = { status: "dead", atMs: 20, nextAttemptAtMs: undefined, outcome: "answered 500" } as const;
      await webhooks.settle(key, end);
      await webhooks.settle(key, { ...end, status: "pending", nextAttemptAtMs: 30 });
      expect(await webhooks.delivery(key)).toMatchObject({
        status: "dead",
        lastOutcome: "answered 500",
        lastAttemptAtMs: 20,
      });
      const first = await webhooks.deliveries(hook, {}, { limit: 2 });
      const rest = await webhooks.deliveries(hook, {}, { limit: 2, cursor: first.nextCursor });
      expect([...first.items, ...rest.items].map(({ messageId }) => messageId)).toEqual(["m3", "m2", "m1"]);
      const dead = await webhooks.deliveries(hook, { status: "dead" }, { limit: 9 });
      expect(dead.items.map(({ messageId }) => messageId)).toEqual(["m1"]);
      const again = await webhooks.replay(key, { nowMs: 50, giveUpAtMs: 2_000 });
      expect(again).toMatchObject({ status: "pending", nextAttemptAtMs: 50, giveUpAtMs: 2_000, attemptCount: 0 });
      expect(await webhooks.replay({ ...key, messageId: "none" }, { nowMs: 50, giveUpAtMs: 60 })).toBeUndefined();
      await webhooks.settle(key, { ...end, status: "delivered" });
      expect(await webhooks.prune(1)).toBeGreaterThanOrEqual(1);
      expect((await webhooks.deliveries(hook, {}, { limit: 9 })).items.length).toBe(2);
    },
  },
];
