import type { AuditList } from "@handlebar/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { type KnownIds, MARK, type RouteSample, routeSamples } from "../route-samples.fixture.ts";
import type { AuditEntry } from "../storage/audit-table.ts";
import { startTestServer, type TestAnswer, type TestRequest } from "../test-server.test-support.ts";
import type { Route } from "./route.ts";
import { createRouteTable } from "./route-table.ts";

/** What the log says after the sample of each route that changes what a person is answerable for. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  putPolicy: ["policy.created"],
  pushPolicies: ["policy.created", "policy.updated"],
  rollbackPolicy: ["policy.rolledBack"],
  promotePolicy: ["policy.promoted"],
  deletePolicy: ["policy.deleted"],
  createKey: ["key.created"],
  rotateKey: ["key.rotated"],
  revokeKey: ["key.revoked"],
  createLockdown: ["lockdown.created"],
  liftLockdown: ["lockdown.lifted"],
  createWebhook: ["webhook.created"],
  rotateWebhook: ["webhook.rotated"],
  enableWebhook: ["webhook.enabled"],
  deleteWebhook: ["webhook.deleted"],
  claimApproval: ["approval.requested"],
  resolveApproval: ["approval.answered"],
  resolveApprovals: ["approval.answered"],
  cancelApproval: ["approval.cancelled"],
};

const CLIENT = "clients do it by themselves, each time that they start; `GET /v1/agents` says when";
const RUN = "what runs do is their events, which no other log repeats";
const LOOKS = "it changes nothing";
const MESSAGE = "it changes no setting, and `GET /v1/webhooks/{webhookId}/deliveries` lists the messages";

/** Routes that are not `GET` and leave nothing in the log, and why. */
const UNTOLD: Readonly<Record<string, string>> = {
  registerAgent: CLIENT,
  registerAgentByPost: CLIENT,
  registerTools: CLIENT,
  acknowledgeState: CLIENT,
  changeLeases: "clients spend budgets; their limits are in policies, and those are told of",
  startRun: RUN,
  endRun: RUN,
  ingestEvents: RUN,
  checkCalls: RUN,
  evaluateCall: RUN,
  checkPolicies: LOOKS,
  replayPolicies: LOOKS,
  testWebhook: MESSAGE,
  replayDelivery: MESSAGE,
};

const server = await startTestServer();
const routes = createRouteTable(server.services);
const changing = routes.filter(({ method }) => method !== "GET");
const known: KnownIds = { lockdownId: "", keyId: "", webhookId: "", messageId: "" };

afterAll(() => server.stop());

function pathOf(route: Route, { params = {}, query }: Pick<RouteSample, "params" | "query">): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_text, name: string) => encodeURIComponent(params[name] ?? ""));
  return query === undefined ? path : `${path}?${query}`;
}

function ask(route: Route, sample: Omit<RouteSample, "operationId">, request: TestRequest = {}): Promise<TestAnswer> {
  return server.call(route.method, pathOf(route, sample), { body: sample.body, ...request });
}

/** The whole log, oldest first. */
async function log(): Promise<readonly AuditEntry[]> {
  const { items } = await server.store.audit.list(server.workspaceId, {}, { limit: 10_000 });
  return [...items].reverse();
}

async function toldBy(act: () => Promise<unknown>): Promise<readonly AuditEntry[]> {
  const before = (await log()).length;
  await act();
  return (await log()).slice(before);
}

const actionsOf = (entries: readonly AuditEntry[]): readonly string[] => entries.map(({ action }) => action).sort();

function sampleOf({ operationId }: Pick<Route, "operationId">): RouteSample {
  const sample = routeSamples(known).find((one) => one.operationId === operationId);
  if (sample === undefined) throw new Error(`there is no sample of ${operationId}`);
  // What the sample names is answered by then.
  if (operationId === "resolveApprovals") return { ...sample, body: { ...sample.body, approvalIds: ["approval-2"] } };
  return sample;
}

/** What some samples need and no other one leaves. */
async function prepare(operationId: string): Promise<void> {
  if (operationId === "resolveApprovals") {
    const { body } = sampleOf({ operationId: "claimApproval" });
    const other = { ...body, approvalId: "approval-2", callId: "call-9", fingerprint: "b".repeat(64) };
    await server.call("POST", "/v1/approvals", { body: other });
  }
  if (operationId === "enableWebhook") {
    await server.store.webhooks.update(server.workspaceId, known.webhookId, (webhook) => ({
      webhook: { ...webhook, disabled: "it answered 410" },
    }));
  }
}

function remember(operationId: string, { body }: TestAnswer): void {
  const read = (...names: readonly string[]): string =>
    String(names.reduce<unknown>((value, name) => Object(value)[name], body));
  if (operationId === "createLockdown") known.lockdownId = read("lockdown", "lockdownId");
  if (operationId === "createWebhook") known.webhookId = read("webhook", "webhookId");
  if (operationId === "testWebhook") known.messageId = read("delivery", "messageId");
  if (operationId === "createKey") known.keyId = read("key", "keyId");
}

describe("the log of the control plane", () => {
  it("has a line for every route that changes something, or a reason for none", () => {
    const names = changing.map(({ operationId }) => operationId).sort();
    expect([...Object.keys(TOLD), ...Object.keys(UNTOLD)].sort()).toEqual(names);
  });

  it("has exactly what each route's sample did, with the key, what it was done to, and no secret", async () => {
    const current = await server.call("GET", "/v1/keys/current");
    const { keyId } = (current.body as { key: { keyId: string } }).key;
    const secrets: string[] = [];
    for (const { operationId } of routeSamples(known)) {
      const route = changing.find((one) => one.operationId === operationId);
      if (route === undefined) continue;
      await prepare(operationId);
      const told = await toldBy(async () => {
        const answer = await ask(route, sampleOf(route));
        expect([operationId, answer.status < 300]).toEqual([operationId, true]);
        remember(operationId, answer);
        const secret: unknown = Object(answer.body).secret;
        if (typeof secret === "string") secrets.push(secret, secret.slice(-43));
      });
      expect([operationId, actionsOf(told)]).toEqual([operationId, [...(TOLD[operationId] ?? [])].sort()]);
      for (const entry of told) {
        expect([operationId, entry.keyId, entry.ref]).toEqual([operationId, keyId, expect.stringMatching(/./)]);
      }
    }
    const entries = await log();
    const text = JSON.stringify(entries);
    expect(secrets.length).toBe(8);
    for (const secret of secrets) expect(text).not.toContain(secret);
    const policies = entries.filter(({ action }) => action === "policy.created" || action === "policy.updated");
    expect(JSON.stringify(policies)).not.toContain(MARK);
  });

  it("has nothing of what was refused", async () => {
    for (const route of changing) {
      const sample = sampleOf(route);
      const ids = Object.keys(sample.params ?? {});
      const told = await toldBy(async () => {
        const refused = [
          await ask(route, sample, { key: null }),
          await ask(route, sample, { key: await server.keyFor([], "elsewhere") }),
          ...(sample.body === undefined ? [] : [await ask(route, { ...sample, body: { odd: 1 } })]),
        ];
        const isMade = route.operationId === "putPolicy" || (ids.includes("runId") && route.method === "POST");
        if (ids.length > 0 && !isMade) {
          refused.push(await ask(route, { ...sample, params: Object.fromEntries(ids.map((id) => [id, "no-such"])) }));
        }
        const statuses = refused.map(({ status }) => status);
        expect([route.operationId, statuses.every((status) => status >= 400)]).toEqual([route.operationId, true]);
      });
      expect([route.operationId, told]).toEqual([route.operationId, []]);
    }
  });

  it("has nothing of what was so already, was only tried, or was somebody else's before", async () => {
    const policy = { id: "again", name: "again", rules: [] };
    await server.call("PUT", "/v1/policies/again", { body: { policy } });
    const lockdown = { lockdownId: "twice", scope: { kind: "agent", slug: "nobody" } };
    await server.call("POST", "/v1/lockdowns", { body: lockdown });
    const key = await server.call("POST", "/v1/keys", { body: { name: "twice" } });
    const { keyId } = (key.body as { key: { keyId: string } }).key;
    await server.call("DELETE", `/v1/keys/${keyId}`);
    const hook = await server.call("POST", "/v1/webhooks", { body: { name: "h", url: "https://hooks.invalid/x" } });
    const { webhookId } = (hook.body as { webhook: { webhookId: string } }).webhook;
    const statuses: number[] = [];
    const told = await toldBy(async () => {
      const changed = { ...policy, description: "other" };
      for (const [method, path, body] of [
        ["PUT", "/v1/policies/again", { policy }],
        ["PUT", "/v1/policies", { policies: [changed], dryRun: true }],
        ["PUT", "/v1/policies/again", { policy: changed, expectedVersion: 7 }],
        ["PUT", "/v1/policies", { policies: [changed], expectedRevision: 100_000 }],
        ["POST", "/v1/lockdowns", lockdown],
        ["POST", "/v1/lockdowns", { ...lockdown, scope: { kind: "workspace" } }],
        ["DELETE", `/v1/keys/${keyId}`, undefined],
        ["POST", `/v1/keys/${keyId}/rotate`, {}],
        ["POST", `/v1/webhooks/${webhookId}/enable`, undefined],
      ] as const) {
        statuses.push((await server.call(method, path, { body })).status);
      }
    });
    expect([statuses, told]).toEqual([[200, 200, 409, 409, 201, 409, 204, 409, 200], []]);
    const lifts = await toldBy(async () => {
      await server.call("DELETE", "/v1/lockdowns/twice");
      await server.call("DELETE", "/v1/lockdowns/twice");
    });
    expect(actionsOf(lifts)).toEqual(["lockdown.lifted"]);
  });

  it("says whose key it was, what changed from what to what, and why", async () => {
    const made = await server.call("POST", "/v1/keys", { body: { name: "ann's", scopes: ["admin"], person: "ann" } });
    const { key, secret } = made.body as { key: { keyId: string }; secret: string };
    const rule = { id: "r", name: "r", on: "tool.before", effect: { type: "block" } };
    const policy = { id: "said", name: "said", mode: "shadow", rules: [rule] };
    await server.call("PUT", "/v1/policies/said", { body: { policy }, key: secret });
    const next = {
      ...policy,
      mode: "enforce",
      agents: { anyOfSlugs: ["support"] },
      rules: [{ ...rule, enabled: false }],
    };
    const body = { policy: next, comment: "it held for a week" };
    const told = await toldBy(() => server.call("PUT", "/v1/policies/said", { body, key: secret }));
    expect(told).toEqual([
      {
        auditId: expect.any(String),
        atMs: expect.any(Number),
        action: "policy.updated",
        ref: "said",
        keyId: key.keyId,
        person: "ann",
        detail: {
          version: { from: 1, to: 2 },
          mode: { from: "shadow", to: "enforce" },
          fields: ["agents"],
          rules: { added: 0, changed: 1, removed: 0 },
          comment: "it held for a week",
        },
      },
    ]);
  });

  it("has what time did, once, with no key", async () => {
    const lockdown = { lockdownId: "timed", scope: { kind: "workspace" as const }, until: "2020-01-01T00:00:00Z" };
    await server.store.lockdowns.create({ workspaceId: server.workspaceId, lockdown, createdAtMs: 1, createdBy: "k" });
    await server.services.lockdowns.liftExpired();
    await server.services.lockdowns.liftExpired();
    const entries = (await log()).filter(({ ref }) => ref === "timed");
    expect(entries).toMatchObject([
      { action: "lockdown.expired", detail: { scope: { kind: "workspace" }, until: "2020-01-01T00:00:00Z" } },
    ]);
    expect(entries[0]?.keyId).toBeUndefined();
  });

  it("is found by kind, object, key, person and time, page by page", async () => {
    const list = async (query: string): Promise<AuditList> => {
      const answer = await server.call("GET", `/v1/audit?${query}`);
      expect([query, answer.status]).toEqual([query, 200]);
      return answer.body as AuditList;
    };
    const all = (await list("limit=1000")).entries;
    const ofAnn = all.filter(({ person }) => person === "ann");
    expect(ofAnn.length).toBe(2);
    expect((await list("person=ann")).entries).toEqual(ofAnn);
    expect((await list(`key=${ofAnn[0]?.keyId}`)).entries).toEqual(ofAnn);
    expect((await list("ref=said&action=policy.created")).entries).toEqual([ofAnn[1]]);
    const keys = all.filter(({ action }) => action.startsWith("key."));
    const pages: AuditList[] = [await list("action=key.&limit=2")];
    for (let last = pages.at(-1); last?.nextCursor !== undefined; last = pages.at(-1)) {
      pages.push(await list(`action=key.&limit=2&cursor=${encodeURIComponent(last.nextCursor)}`));
    }
    expect(pages.flatMap(({ entries }) => entries)).toEqual(keys);
    const at = ofAnn[0]?.at ?? "";
    expect((await list(`since=${at}&limit=1000`)).entries).toEqual(all.filter((one) => one.at >= at));
    expect((await list(`until=${at}&limit=1000`)).entries).toEqual(all.filter((one) => one.at < at));
    const odd = await server.call("GET", "/v1/audit?since=yesterday");
    expect([odd.status, odd.body]).toMatchObject([400, { code: "HB_REQUEST_INVALID", field: "since" }]);
  });
});
