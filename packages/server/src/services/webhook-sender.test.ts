import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WEBHOOK_GIVE_UP_MS, WEBHOOK_LEASE_MS, WEBHOOK_RETRY_BASE_MS, WEBHOOK_RETRY_MAX_MS } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import { openTestStore, TEST_WORKSPACE } from "../storage/test-store.test-support.ts";
import type { WebhookRecord } from "../storage/webhooks-table.ts";
import { type ManualRuntime, manualRuntime } from "./manual-runtime.fixture.ts";
import { WebhookSender } from "./webhook-sender.ts";
import { newWebhookSecret, verifyWebhook } from "./webhook-signature.ts";
import type { WebhookAnswer, WebhookRequest } from "./webhook-transport.ts";

const OK: WebhookAnswer = { kind: "answered", status: 200 };
const BAD: WebhookAnswer = { kind: "answered", status: 500 };

let store: Store;
let runtime: ManualRuntime;
let sent: WebhookRequest[];
let answer: (request: WebhookRequest) => WebhookAnswer | Promise<WebhookAnswer>;
let errors: unknown[];

beforeEach(async () => {
  store = await openTestStore();
  runtime = manualRuntime();
  sent = [];
  errors = [];
  answer = () => OK;
});
afterEach(() => store.close());

function sender(random = 1): WebhookSender {
  return new WebhookSender({
    store,
    runtime,
    transport: {
      refusalOf: () => undefined,
      send: async (request) => {
        sent.push(request);
        return answer(request);
      },
    },
    random: () => random,
    publicUrl: undefined,
    onError: (error) => errors.push(error),
  });
}

async function webhook(webhookId: string, more: Partial<WebhookRecord> = {}): Promise<WebhookRecord> {
  const record: WebhookRecord = {
    workspaceId: TEST_WORKSPACE,
    webhookId,
    name: webhookId,
    url: `https://${webhookId}.example/`,
    types: ["approval.requested"],
    secrets: [{ secret: newWebhookSecret(), createdAtMs: 0 }],
    createdAtMs: 0,
    createdBy: "key",
    ...more,
  };
  await store.webhooks.create(record, 100);
  return record;
}

async function enqueue(hook: WebhookRecord, messageId: string): Promise<void> {
  const atMs = runtime.nowMs();
  const notice = { messageId, type: "webhook.test", atMs, giveUpAtMs: atMs + WEBHOOK_GIVE_UP_MS, data: {} };
  await store.webhooks.enqueue(hook, notice);
}

async function tick(one: WebhookSender): Promise<void> {
  await one.tick();
  await one.idle();
}

const message = ({ webhookId }: WebhookRecord, messageId: string) =>
  store.webhooks.delivery({ workspaceId: TEST_WORKSPACE, webhookId, messageId });

const idsTo = (host: string): readonly (string | undefined)[] =>
  sent.filter(({ url }) => url.includes(host)).map(({ headers }) => headers["webhook-id"]);

describe("messages to webhooks", () => {
  it("are sent once they are due, signed with each secret that is active", async () => {
    const secrets = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
    const ends = [undefined, runtime.nowMs() + 1, runtime.nowMs()];
    const hook = await webhook("a", {
      secrets: secrets.map((secret, at) => ({ secret, createdAtMs: 0, expiresAtMs: ends[at] })),
    });
    await enqueue(hook, "m1");
    await tick(sender());
    const [{ headers, body } = { headers: {}, body: "" }] = sent;
    const nowSeconds = Math.floor(runtime.nowMs() / 1_000);
    const fits = secrets.map((secret) =>
      verifyWebhook({ headers: new Headers(headers), body }, { secret, nowSeconds }),
    );
    expect(fits).toEqual([true, true, false]);
    expect(JSON.parse(body)).toMatchObject({ type: "webhook.test", text: expect.any(String) });
    expect(await message(hook, "m1")).toMatchObject({
      status: "delivered",
      attemptCount: 1,
      lastOutcome: "answered 200",
    });
    await tick(sender());
    expect(sent.length).toBe(1);
  });

  it.each([0, 1])(
    "come again after pauses that double, with jitter (chance %s), until a day has passed",
    async (random) => {
      answer = () => BAD;
      const hook = await webhook("a");
      await enqueue(hook, "m1");
      const startMs = runtime.nowMs();
      const one = sender(random);
      const waits: number[] = [];
      for (;;) {
        await tick(one);
        const { status, nextAttemptAtMs, attemptCount } = (await message(hook, "m1")) ?? {};
        expect(attemptCount).toBe(sent.length);
        if (status !== "pending" || nextAttemptAtMs === undefined) break;
        waits.push(nextAttemptAtMs - runtime.nowMs());
        await runtime.advance(nextAttemptAtMs - runtime.nowMs() - 1);
        await tick(one);
        expect(sent.length).toBe(attemptCount);
        await runtime.advance(1);
      }
      const share = 0.5 + random / 2;
      const expected = waits.map((_, at) => Math.min(WEBHOOK_RETRY_MAX_MS, WEBHOOK_RETRY_BASE_MS * 2 ** at) * share);
      expect(waits).toEqual(expected);
      expect(runtime.nowMs() - startMs).toBeGreaterThan(WEBHOOK_GIVE_UP_MS - WEBHOOK_RETRY_MAX_MS - 1);
      expect(runtime.nowMs() - startMs).toBeLessThanOrEqual(WEBHOOK_GIVE_UP_MS);
      expect(await message(hook, "m1")).toMatchObject({ status: "dead", lastOutcome: "answered 500" });
      answer = () => OK;
      const giveUpAtMs = runtime.nowMs() + WEBHOOK_GIVE_UP_MS;
      await store.webhooks.replay({ ...hook, messageId: "m1" }, { nowMs: runtime.nowMs(), giveUpAtMs });
      await tick(one);
      expect(await message(hook, "m1")).toMatchObject({ status: "delivered", attemptCount: 1 });
      expect(new Set(idsTo("a.example"))).toEqual(new Set(["m1"]));
    },
  );

  it("come again no sooner than the receiver asks for, within an hour", async () => {
    const hook = await webhook("a");
    await enqueue(hook, "m1");
    answer = () => ({ kind: "answered", status: 429, retryAfterSeconds: 120 });
    await tick(sender());
    expect((await message(hook, "m1"))?.nextAttemptAtMs).toBe(runtime.nowMs() + 120_000);
    await runtime.advance(120_000);
    answer = () => ({ kind: "answered", status: 429, retryAfterSeconds: 1_000_000 });
    await tick(sender());
    expect((await message(hook, "m1"))?.nextAttemptAtMs).toBe(runtime.nowMs() + WEBHOOK_RETRY_MAX_MS);
  });

  it("end where a receiver wants no more", async () => {
    const hook = await webhook("a");
    await enqueue(hook, "m1");
    answer = () => ({ kind: "answered", status: 410 });
    await tick(sender());
    await enqueue(hook, "m2");
    await tick(sender());
    expect([(await message(hook, "m1"))?.status, (await message(hook, "m2"))?.lastOutcome]).toEqual([
      "dead",
      "the webhook is disabled",
    ]);
    expect(sent.length).toBe(1);
  });

  it("are held up by no other webhook", async () => {
    const slow = await webhook("slow");
    const quick = await webhook("quick");
    for (let n = 0; n < 10; n++) for (const hook of [slow, quick]) await enqueue(hook, `m${n}`);
    let release: (end: WebhookAnswer) => void = () => undefined;
    const held = new Promise<WebhookAnswer>((resolve) => {
      release = resolve;
    });
    answer = ({ url }) => (url.includes("slow") ? held : OK);
    const one = sender();
    await one.tick();
    await expect.poll(() => idsTo("quick.example").length).toBe(10);
    await one.tick();
    expect(idsTo("slow.example").length).toBe(4);
    release(OK);
    await one.idle();
    expect(idsTo("slow.example").length).toBe(10);
    expect(errors).toEqual([]);
  });

  it("are taken by one process at a time, and by another one when it died", async () => {
    const hook = await webhook("a");
    await enqueue(hook, "m1");
    let die: (reason: Error) => void = () => undefined;
    answer = () =>
      new Promise((_resolve, reject) => {
        die = reject;
      });
    const dying = sender();
    await dying.tick();
    await expect.poll(() => sent.length).toBe(1);
    answer = () => OK;
    const other = sender();
    await tick(other);
    await runtime.advance(WEBHOOK_LEASE_MS - 1);
    await tick(other);
    expect(sent.length).toBe(1);
    await runtime.advance(1);
    await tick(other);
    expect(idsTo("a.example")).toEqual(["m1", "m1"]);
    expect(await message(hook, "m1")).toMatchObject({ status: "delivered", attemptCount: 2 });
    die(new Error("killed"));
    await dying.idle();
  });

  it("all arrive, whatever fails on the way, when processes share them", async () => {
    const hooks = [await webhook("a"), await webhook("b"), await webhook("c")];
    for (let n = 0; n < 12; n++) for (const hook of hooks) await enqueue(hook, `m${n}`);
    let state = 7;
    const chance = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const arrived = new Set<string>();
    answer = ({ url, headers }) => {
      const luck = chance();
      if (luck < 0.4) return { kind: "failed", reason: "no answer in time" };
      arrived.add(`${url} ${headers["webhook-id"]}`);
      // The receiver has it, and we do not learn so.
      return luck < 0.6 ? BAD : OK;
    };
    const senders = [sender(), sender(), sender()];
    for (let round = 0; round < 200; round++) {
      await Promise.all(senders.map((one) => one.tick()));
      await Promise.all(senders.map((one) => one.idle()));
      await runtime.advance(60_000);
    }
    const statuses = await Promise.all(
      hooks.flatMap((hook) => Array.from({ length: 12 }, async (_, n) => (await message(hook, `m${n}`))?.status)),
    );
    expect(new Set(statuses)).toEqual(new Set(["delivered"]));
    expect([arrived.size, errors]).toEqual([36, []]);
  });
});
