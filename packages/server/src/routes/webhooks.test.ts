import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  auditListSchema,
  deliveryAnswerSchema,
  deliveryListSchema,
  webhookListSchema,
  webhookSecretAnswerSchema,
} from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWebhookTransport } from "../life/webhook-transport.ts";
import { verifyWebhook } from "../services/webhook-signature.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

interface Received {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

let server: TestServer;
let receiver: Server;
let origin = "";
let status = 200;
const received: Received[] = [];

beforeAll(async () => {
  receiver = createServer((request: IncomingMessage, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      received.push({ path: request.url ?? "", headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  server = await startTestServer({
    webhookTransport: openWebhookTransport({ allowedNetworks: ["127.0.0.0/8"] }),
    publicUrl: "https://plane.example/base/",
  });
});
afterAll(async () => {
  await server.stop();
  receiver.close();
});

async function create(path: string, more: object = {}) {
  const body = { name: path, url: `${origin}${path}`, ...more };
  const answer = await server.call("POST", "/v1/webhooks", { body });
  expect(answer.status).toBe(201);
  return webhookSecretAnswerSchema.parse(answer.body);
}

async function receivedAt(path: string, count: number): Promise<readonly Received[]> {
  const there = () => received.filter((one) => one.path === path);
  await expect.poll(() => there().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
  return there();
}

let count = 0;
async function claim(more: object = {}): Promise<string> {
  count += 1;
  const body = {
    approvalId: `hook-${count}`,
    fingerprint: count.toString(16).padStart(64, "0"),
    agent: "support",
    runId: `hook-run-${count}`,
    callId: "call",
    tool: "refund",
    args: { amount: 900, note: "<!channel> ```*now*" },
    actor: { externalId: "u_1 <https://evil.example|ok>" },
    ruleId: "big",
    policyId: "refunds",
    ...more,
  };
  expect((await server.call("POST", "/v1/approvals", { key: server.keys.agent, body })).status).toBe(200);
  return body.approvalId;
}

const nowSeconds = () => Math.floor(Date.now() / 1_000);

describe("webhooks", () => {
  it("are told of requests and of answers, signed, in a form that chat tools show", async () => {
    const { webhook, secret } = await create("/told");
    const approvalId = await claim({ reason: "money leaves" });
    const [asked] = await receivedAt("/told", 1);
    if (asked === undefined) throw new Error("nothing came");
    expect(verifyWebhook(asked, { secret, nowSeconds: nowSeconds() })).toBe(true);
    const body = JSON.parse(asked.body) as Record<string, unknown>;
    const url = `https://plane.example/base/approvals/${approvalId}`;
    expect(body).toMatchObject({
      type: "approval.requested",
      data: { approval: { approvalId, status: "pending", tool: "refund" }, url },
      text: "*support* asks to call *refund* for u_1 &lt;https://evil.example|ok&gt;: money leaves",
    });
    const blocks = JSON.stringify(body["blocks"]);
    expect(blocks).toContain(url);
    expect([blocks.includes("<"), blocks.split("```").length]).toEqual([false, 3]);
    await server.call("POST", `/v1/approvals/${approvalId}/resolve`, {
      body: { status: "denied", by: "ada", comment: "not today" },
    });
    const [, answered] = await receivedAt("/told", 2);
    expect(JSON.parse(answered?.body ?? "")).toMatchObject({
      type: "approval.resolved",
      text: "The call of *refund* by *support* was denied by ada: not today",
    });
    const path = `/v1/webhooks/${webhook.webhookId}/deliveries?status=delivered`;
    await expect
      .poll(async () =>
        deliveryListSchema.parse((await server.call("GET", path)).body).deliveries.map(({ type }) => type),
      )
      .toEqual(["approval.resolved", "approval.requested"]);
    await server.call("DELETE", `/v1/webhooks/${webhook.webhookId}`);
  });

  it("are told only of what they ask for, and their secrets are shown once", async () => {
    const { webhook, secret } = await create("/answers", { types: ["approval.resolved"] });
    const approvalId = await claim();
    await server.call("POST", `/v1/approvals/${approvalId}/cancel`, { body: { comment: "no need" } });
    const [only] = await receivedAt("/answers", 1);
    expect(JSON.parse(only?.body ?? "")).toMatchObject({ data: { approval: { status: "cancelled" } } });
    const listed = await server.call("GET", "/v1/webhooks");
    expect(webhookListSchema.parse(listed.body).webhooks).toEqual([webhook]);
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    await server.call("DELETE", `/v1/webhooks/${webhook.webhookId}`);
  });

  it("are signed with both secrets for a while after a rotation", async () => {
    const made = await create("/rotated");
    const path = `/v1/webhooks/${made.webhook.webhookId}`;
    const rotated = webhookSecretAnswerSchema.parse((await server.call("POST", `${path}/rotate`, { body: {} })).body);
    expect(rotated.webhook.secretCount).toBe(2);
    expect((await server.call("POST", `${path}/test`)).status).toBe(202);
    const [message] = await receivedAt("/rotated", 1);
    if (message === undefined) throw new Error("nothing came");
    for (const { secret } of [made, rotated]) {
      expect(verifyWebhook(message, { secret, nowSeconds: nowSeconds() })).toBe(true);
    }
    const body = { graceSeconds: 0 };
    const last = webhookSecretAnswerSchema.parse((await server.call("POST", `${path}/rotate`, { body })).body);
    expect(last.webhook.secretCount).toBe(1);
    await server.call("DELETE", path);
  });

  it("show what became of each message, and send one again", async () => {
    const { webhook } = await create("/gone");
    status = 410;
    const path = `/v1/webhooks/${webhook.webhookId}`;
    const { delivery } = deliveryAnswerSchema.parse((await server.call("POST", `${path}/test`)).body);
    const standing = async () =>
      deliveryListSchema.parse((await server.call("GET", `${path}/deliveries`)).body).deliveries[0];
    await expect.poll(standing).toMatchObject({ status: "dead", lastOutcome: "answered 410", attemptCount: 1 });
    expect((await server.call("GET", path)).body).toMatchObject({ disabled: expect.stringContaining("410") });
    status = 200;
    await server.call("POST", `${path}/enable`);
    const replay = `${path}/deliveries/${delivery.messageId}/replay`;
    expect((await server.call("POST", replay)).status).toBe(202);
    await expect.poll(standing).toMatchObject({ status: "delivered", messageId: delivery.messageId });
    const ids = received.filter((one) => one.path === "/gone").map(({ headers }) => headers.get("webhook-id"));
    expect(ids).toEqual([delivery.messageId, delivery.messageId]);
    await server.call("DELETE", path);
    expect((await server.call("GET", path)).status).toBe(404);
  });

  it("leave out arguments that are too large for a message", async () => {
    const { webhook } = await create("/large");
    await claim({ args: { text: "x".repeat(70_000) } });
    const [message] = await receivedAt("/large", 1);
    expect(Buffer.byteLength(message?.body ?? "")).toBeLessThan(65_536);
    const { data } = JSON.parse(message?.body ?? "") as { data: { approval: object } };
    expect(data.approval).not.toHaveProperty("args");
    await server.call("DELETE", `/v1/webhooks/${webhook.webhookId}`);
  });

  it.each([
    "http://169.254.169.254/latest",
    "https://10.0.0.1/",
    "http://8.8.8.8/",
    "https://a:b@example.com/",
    "ftp://x",
  ])("do not lead to %s", async (url) => {
    const answer = await server.call("POST", "/v1/webhooks", { body: { name: "n", url } });
    expect([answer.status, answer.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field: "url" }]);
  });

  it("belong to their workspace", async () => {
    const { webhook } = await create("/mine");
    const key = await server.keyFor(["admin"], "other");
    const path = `/v1/webhooks/${webhook.webhookId}`;
    const calls = [
      ["GET", path],
      ["POST", `${path}/test`],
      ["GET", `${path}/deliveries`],
      ["POST", `${path}/enable`],
      ["DELETE", path],
    ] as const;
    for (const [method, at] of calls) expect([at, (await server.call(method, at, { key })).status]).toEqual([at, 404]);
    await server.call("DELETE", path);
  });
});

describe("the page where links lead", () => {
  it("holds nothing of the approval, and opening it changes nothing", async () => {
    const approvalId = await claim();
    const before = await server.call("GET", `/v1/approvals/${approvalId}`);
    for (const query of ["", "?status=approved", "?key=x&approve=1"]) {
      const response = await server.open("GET", `/approvals/${approvalId}${query}`, { key: null });
      const text = await response.text();
      expect(response.status).toBe(200);
      expect(text).not.toContain(approvalId);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    }
    expect((await server.call("POST", `/approvals/${approvalId}`, { key: null })).status).toBe(404);
    expect((await server.call("GET", `/v1/approvals/${approvalId}`)).body).toEqual(before.body);
    expect((await server.call("GET", `/v1/approvals/${approvalId}/resolve`)).status).toBe(405);
  });
});

describe("the log", () => {
  it("says who did what to an approval, when and why", async () => {
    const approvalId = await claim({ terms: { approvalsNeeded: 2 } });
    for (const by of ["ada", "bob"]) {
      const body = { status: "approved", by, comment: `${by} looked` };
      await server.call("POST", `/v1/approvals/${approvalId}/resolve`, { body });
    }
    const listed = await server.call("GET", `/v1/audit?ref=${approvalId}&action=approval.`);
    const { entries } = auditListSchema.parse(listed.body);
    expect(entries.map(({ action, person: by, detail }) => [action, by, detail["status"], detail["comment"]])).toEqual([
      ["approval.answered", "bob", "approved", "bob looked"],
      ["approval.answered", "ada", "pending", "ada looked"],
      ["approval.requested", undefined, undefined, undefined],
    ]);
    expect(new Set(entries.map(({ keyId }) => keyId)).size).toBe(2);
  });
});
